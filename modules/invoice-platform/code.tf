# A changed zip is a new object version; that publishes a new version of its function and moves the alias. The zips'
# own digests decide, so a rebuilt zip with the same bytes changes nothing.
resource "aws_s3_object" "code" {
  for_each = local._functions

  # The name that is given once the bucket keeps versions: an object put before has no version to refer to.
  bucket      = module.artifacts.versioned_name
  key         = "functions/${each.key}.zip"
  source      = "${var.artifacts_dir}/${each.key}.zip"
  source_hash = filesha256("${var.artifacts_dir}/${each.key}.zip")
  tags        = var.tags
}
