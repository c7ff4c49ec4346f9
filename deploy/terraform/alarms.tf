locals {
  alarms = {
    servers-not-ready = {
      description = "A server is not ready: it cannot reach the database or cannot write to the spool."
      namespace   = "AWS/ApplicationELB"
      metric      = "UnHealthyHostCount"
      statistic   = "Minimum"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      dimensions = {
        LoadBalancer = aws_lb.main.arn_suffix
        TargetGroup  = aws_lb_target_group.servers.arn_suffix
      }
    }
    server-errors = {
      description = "Servers answer with 5xx."
      namespace   = "AWS/ApplicationELB"
      metric      = "HTTPCode_Target_5XX_Count"
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = 20
      dimensions  = { LoadBalancer = aws_lb.main.arn_suffix }
    }
    database-disk = {
      description = "The database has less than 10 GiB of free storage; it may have reached database_max_storage_gib."
      namespace   = "AWS/RDS"
      metric      = "FreeStorageSpace"
      statistic   = "Minimum"
      comparison  = "LessThanThreshold"
      threshold   = 10 * pow(1024, 3)
      dimensions  = { DBInstanceIdentifier = aws_db_instance.main.identifier }
    }
    database-connections = {
      description = "More connections than the servers open: another program uses the database, or servers do not close theirs."
      namespace   = "AWS/RDS"
      metric      = "DatabaseConnections"
      statistic   = "Maximum"
      comparison  = "GreaterThanThreshold"
      # A server opens up to 22, and during a deployment there are twice as many servers.
      threshold  = 2 * var.max_servers * 22
      dimensions = { DBInstanceIdentifier = aws_db_instance.main.identifier }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "main" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = 300
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]
  ok_actions          = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]
}
