locals {
  port     = 8000
  user_id  = 10001
  database = "tripgraph"
}

resource "aws_ecs_cluster" "main" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "servers" {
  name              = "/${var.name}/servers"
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_task_definition" "server" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  volume {
    name = "data"

    efs_volume_configuration {
      file_system_id     = aws_efs_file_system.spool.id
      transit_encryption = "ENABLED"

      authorization_config {
        access_point_id = aws_efs_access_point.spool.id
        iam             = "ENABLED"
      }
    }
  }

  container_definitions = jsonencode([{
    name      = "tripgraph"
    image     = var.image
    essential = true

    user                   = "${local.user_id}:${local.user_id}"
    readonlyRootFilesystem = true
    linuxParameters = {
      capabilities = { drop = ["ALL"] }
    }

    portMappings = [{ containerPort = local.port, protocol = "tcp" }]
    mountPoints  = [{ sourceVolume = "data", containerPath = "/data", readOnly = false }]

    environment = [
      { name = "TRIPGRAPH_LISTEN", value = "0.0.0.0:${local.port}" },
      { name = "TRIPGRAPH_DATA_DIR", value = "/data" },
      { name = "TRIPGRAPH_MAX_UPLOAD_BYTES", value = format("%d", var.max_upload_bytes) },
      { name = "TRIPGRAPH_LOG", value = var.log_filter },
      { name = "TRIPGRAPH_LOG_FORMAT", value = "json" },
    ]
    secrets = [
      { name = "TRIPGRAPH_DATABASE_URL", valueFrom = aws_secretsmanager_secret.database_url.arn },
      { name = "TRIPGRAPH_TOKENS", valueFrom = aws_secretsmanager_secret.tokens.arn },
    ]

    # Finishing a batch and draining requests takes up to a minute; allow twice that.
    stopTimeout = 120

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.servers.name
        awslogs-region        = var.region
        awslogs-stream-prefix = "server"
      }
    }
  }])
}

resource "aws_ecs_service" "servers" {
  name            = var.name
  cluster         = aws_ecs_cluster.main.id
  task_definition = aws_ecs_task_definition.server.arn
  launch_type     = "FARGATE"
  desired_count   = var.min_servers
  propagate_tags  = "SERVICE"

  # New servers are healthy before old ones are stopped.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  availability_zone_rebalancing      = "ENABLED"

  # The first server migrates the database, and others wait for it.
  health_check_grace_period_seconds = 300

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = values(aws_subnet.private)[*].id
    security_groups  = [aws_security_group.servers.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.servers.arn
    container_name   = "tripgraph"
    container_port   = local.port
  }

  lifecycle {
    # Set by auto scaling.
    ignore_changes = [desired_count]
  }

  depends_on = [
    aws_lb_listener.https,
    aws_efs_mount_target.spool,
    aws_efs_file_system_policy.spool,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
    aws_secretsmanager_secret_version.database_url,
    aws_secretsmanager_secret_version.tokens,
    aws_vpc_endpoint.interface,
    aws_vpc_endpoint.s3,
    aws_vpc_security_group_egress_rule.call,
    aws_vpc_security_group_egress_rule.images,
    aws_vpc_security_group_ingress_rule.call,
  ]
}

resource "aws_appautoscaling_target" "servers" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.main.name}/${aws_ecs_service.servers.name}"
  min_capacity       = var.min_servers
  max_capacity       = var.max_servers
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "${var.name}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.servers.service_namespace
  scalable_dimension = aws_appautoscaling_target.servers.scalable_dimension
  resource_id        = aws_appautoscaling_target.servers.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.cpu_target_percent
    scale_out_cooldown = 60
    # A server that is stopped hands over its ingestion, so do not stop one at every pause.
    scale_in_cooldown = 900

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
