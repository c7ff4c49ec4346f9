# The spool: uploads that are queued or running. All servers mount it, so each can ingest what another
# one received. docs/guides/cloud.md explains why this is not a bucket.

resource "aws_efs_file_system" "spool" {
  creation_token  = "${var.name}-spool"
  encrypted       = true
  throughput_mode = "elastic"

  tags = { Name = "${var.name}-spool" }
}

resource "aws_efs_mount_target" "spool" {
  for_each = aws_subnet.private

  file_system_id  = aws_efs_file_system.spool.id
  subnet_id       = each.value.id
  security_groups = [aws_security_group.spool.id]
}

resource "aws_efs_access_point" "spool" {
  file_system_id = aws_efs_file_system.spool.id

  posix_user {
    uid = local.user_id
    gid = local.user_id
  }

  root_directory {
    path = "/data"

    creation_info {
      owner_uid   = local.user_id
      owner_gid   = local.user_id
      permissions = "0750"
    }
  }

  tags = { Name = "${var.name}-spool" }
}

data "aws_iam_policy_document" "spool" {
  statement {
    sid       = "OnlyServersThroughTheAccessPoint"
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    resources = [aws_efs_file_system.spool.arn]

    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.task.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = [aws_efs_access_point.spool.arn]
    }
  }

  statement {
    sid       = "OnlyEncrypted"
    effect    = "Deny"
    actions   = ["*"]
    resources = [aws_efs_file_system.spool.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_efs_file_system_policy" "spool" {
  file_system_id = aws_efs_file_system.spool.id
  policy         = data.aws_iam_policy_document.spool.json
}
