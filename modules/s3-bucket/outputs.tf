output "arn" {
  description = "The bucket's ARN."
  value       = aws_s3_bucket.this.arn
}

output "name" {
  description = "The bucket's name."
  value       = aws_s3_bucket.this.bucket
}

output "versioned_name" {
  description = "The bucket's name, given only once versioning is set: what uploads an object and needs its version id takes this one, and so does a bucket that replicates to it. Known at plan."
  value       = var.name

  depends_on = [aws_s3_bucket_versioning.this]
}
