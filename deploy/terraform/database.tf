resource "aws_db_subnet_group" "main" {
  name       = var.name
  subnet_ids = values(aws_subnet.private)[*].id
}

resource "aws_db_parameter_group" "main" {
  name_prefix = "${var.name}-"
  family      = "postgres${var.database_major_version}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  # An ingestion writes about 100 MB of WAL per second: rare checkpoints write fewer full pages.
  parameter {
    name  = "max_wal_size"
    value = "16384"
  }

  parameter {
    name  = "checkpoint_timeout"
    value = "900"
  }

  parameter {
    name  = "random_page_cost"
    value = "1.1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "5000"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "main" {
  identifier     = var.name
  engine         = "postgres"
  engine_version = tostring(var.database_major_version)
  instance_class = var.database_instance_class
  multi_az       = var.database_multi_az

  db_name             = local.database
  username            = local.database
  password_wo         = ephemeral.aws_secretsmanager_secret_version.database_password.secret_string
  password_wo_version = var.database_password_version

  storage_type          = "gp3"
  storage_encrypted     = true
  allocated_storage     = var.database_storage_gib
  max_allocated_storage = var.database_max_storage_gib

  db_subnet_group_name   = aws_db_subnet_group.main.name
  vpc_security_group_ids = [aws_security_group.database.id]
  parameter_group_name   = aws_db_parameter_group.main.name
  publicly_accessible    = false

  backup_retention_period   = var.database_backup_days
  backup_window             = "03:00-04:00"
  maintenance_window        = "sun:04:30-sun:05:30"
  copy_tags_to_snapshot     = true
  skip_final_snapshot       = false
  final_snapshot_identifier = "${var.name}-final"
  delete_automated_backups  = false
  deletion_protection       = var.deletion_protection

  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  enabled_cloudwatch_logs_exports = ["postgresql"]

  depends_on = [aws_cloudwatch_log_group.database]
}

# RDS would create it, and keep logs forever.
resource "aws_cloudwatch_log_group" "database" {
  name              = "/aws/rds/instance/${var.name}/postgresql"
  retention_in_days = var.log_retention_days
}
