output "load_balancer" {
  description = "The target of the DNS record for the host name of the certificate: an alias record or a CNAME."
  value       = { dns_name = aws_lb.main.dns_name, zone_id = aws_lb.main.zone_id }
}

output "tokens_secret" {
  description = "The secret with the tokens of the API."
  value       = aws_secretsmanager_secret.tokens.name
}

output "database_url_secret" {
  description = "The secret with the URL of the database."
  value       = aws_secretsmanager_secret.database_url.name
}

output "database_address" {
  description = "The address of the database, which only the servers can reach."
  value       = aws_db_instance.main.address
}

output "database_restore_options" {
  description = "Options that a restored database needs to replace the old one."
  value = join(" ", [
    "--db-instance-class ${var.database_instance_class}",
    var.database_multi_az ? "--multi-az" : "--no-multi-az",
    "--db-subnet-group-name ${aws_db_subnet_group.main.name}",
    "--db-parameter-group-name ${aws_db_parameter_group.main.name}",
    "--vpc-security-group-ids ${aws_security_group.database.id}",
  ])
}

output "cluster" {
  description = "The ECS cluster."
  value       = aws_ecs_cluster.main.name
}

output "service" {
  description = "The ECS service."
  value       = aws_ecs_service.servers.name
}

output "task_definition" {
  description = "The task definition, for tasks of one command."
  value       = aws_ecs_task_definition.server.arn
}

output "network_configuration" {
  description = "The network of such a task, for --network-configuration."
  value = {
    awsvpcConfiguration = {
      subnets        = values(aws_subnet.private)[*].id
      securityGroups = [aws_security_group.servers.id]
      assignPublicIp = "DISABLED"
    }
  }
}

output "log_group" {
  description = "The logs of the servers."
  value       = aws_cloudwatch_log_group.servers.name
}

output "spool_file_system" {
  description = "The file system of the spool."
  value       = aws_efs_file_system.spool.id
}
