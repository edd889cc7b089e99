output "alarms" {
  description = "The alarms: \"<kind>/<name>/<measure>\" to arn and name."
  value = {
    for key, alarm in aws_cloudwatch_metric_alarm.this : key => {
      arn  = alarm.arn
      name = alarm.alarm_name
    }
  }
}

output "dashboard_name" {
  description = "The dashboard's name."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "topic_arn" {
  description = "The topic that the alarms notify; empty if alarm_actions are set."
  value       = local._own_topic ? aws_sns_topic.alarms[0].arn : ""
}
