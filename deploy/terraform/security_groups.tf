# Each group allows connections from the one group that needs them, and nothing else.

resource "aws_security_group" "balancer" {
  name_prefix = "${var.name}-balancer-"
  description = "The load balancer"
  vpc_id      = aws_vpc.main.id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "servers" {
  name_prefix = "${var.name}-servers-"
  description = "The servers"
  vpc_id      = aws_vpc.main.id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "database" {
  name_prefix = "${var.name}-database-"
  description = "The database"
  vpc_id      = aws_vpc.main.id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "spool" {
  name_prefix = "${var.name}-spool-"
  description = "The file system of the spool"
  vpc_id      = aws_vpc.main.id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "endpoints" {
  name_prefix = "${var.name}-endpoints-"
  description = "The endpoints of AWS services"
  vpc_id      = aws_vpc.main.id

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  balancer_ingress = {
    for pair in setproduct(var.allowed_cidrs, [80, 443]) : "${pair[0]} ${pair[1]}" => { cidr = pair[0], port = pair[1] }
  }

  # Between groups: client, server, port.
  calls = {
    "from the balancer to servers"  = { from = aws_security_group.balancer.id, to = aws_security_group.servers.id, port = local.port }
    "from servers to the database"  = { from = aws_security_group.servers.id, to = aws_security_group.database.id, port = 5432 }
    "from servers to the spool"     = { from = aws_security_group.servers.id, to = aws_security_group.spool.id, port = 2049 }
    "from servers to AWS endpoints" = { from = aws_security_group.servers.id, to = aws_security_group.endpoints.id, port = 443 }
  }
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  for_each = local.balancer_ingress

  description       = "from clients to the balancer"
  security_group_id = aws_security_group.balancer.id
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "call" {
  for_each = local.calls

  description                  = each.key
  security_group_id            = each.value.from
  referenced_security_group_id = each.value.to
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "call" {
  for_each = local.calls

  description                  = each.key
  security_group_id            = each.value.to
  referenced_security_group_id = each.value.from
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "images" {
  description       = "from servers to S3, where images are"
  security_group_id = aws_security_group.servers.id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
