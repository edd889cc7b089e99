output "arn" {
  description = "The bucket's ARN."
  value       = aws_s3_bucket.this.arn
}

output "name" {
  description = "The bucket's name."
  value       = aws_s3_bucket.this.bucket
}

output "versioned_name" {
  description = "The bucket's name, for uploads whose version id is used and for replication to this bucket. Known at plan; an apply waits for versioning first."
  value       = var.name

  depends_on = [aws_s3_bucket_versioning.this]
}
