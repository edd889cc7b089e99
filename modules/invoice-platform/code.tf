locals {
  # Each zip is stored under the digest of its content, so a key never gets other content, and a changed zip has a new key.
  _zips = { for name in keys(local._functions) : name => "functions/${name}/${filesha256("${var.artifacts_dir}/${name}.zip")}.zip" }

  # The zips of earlier deployments, which a rollback needs: kept.json in the artifact folder has their keys by bucket. The
  # deploy writes it; without it the earlier zips would be deleted.
  _kept      = try(local._kept_json[local._buckets["artifacts"]], [])
  _kept_json = jsondecode(fileexists("${var.artifacts_dir}/kept.json") ? file("${var.artifacts_dir}/kept.json") : "{}")
}

# A function refers to its zip by this key alone. An object version would be "null" for an upload shortly after the bucket's
# versioning is enabled: S3 takes up to 15 minutes until that holds everywhere.
resource "aws_s3_object" "code" {
  for_each = toset(concat(values(local._zips), local._kept))

  bucket = module.artifacts.versioned_name
  key    = each.key
  source = "${var.artifacts_dir}/${contains(values(local._zips), each.key) ? basename(dirname(each.key)) : trimsuffix(each.key, ".zip")}.zip"
  tags   = var.tags

  lifecycle {
    ignore_changes = [source] # of an earlier zip there may be no file any more
  }
}
