# A changed zip becomes a new object version, which publishes a new version of its function and moves the alias. The
# digest of the zip decides, so a rebuilt zip with the same bytes changes nothing.
resource "aws_s3_object" "code" {
  for_each = local._functions

  # versioned_name waits for the bucket's versioning: an object uploaded before that has no version to refer to.
  bucket      = module.artifacts.versioned_name
  key         = "functions/${each.key}.zip"
  source      = "${var.artifacts_dir}/${each.key}.zip"
  source_hash = filesha256("${var.artifacts_dir}/${each.key}.zip")
  tags        = var.tags
}
