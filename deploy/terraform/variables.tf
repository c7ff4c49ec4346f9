variable "region" {
  description = "The AWS region."
  type        = string
  default     = "us-east-1"
}

variable "availability_zones" {
  description = "Names of two zones of the region. They are not looked up, since a changed list would move subnets."
  type        = list(string)
  default     = ["us-east-1a", "us-east-1b"]

  validation {
    condition     = length(distinct(var.availability_zones)) == 2 && length(var.availability_zones) == 2
    error_message = "Two different ones: a load balancer and a standby ask for two, and a third would only cost."
  }

  validation {
    condition     = alltrue([for zone in var.availability_zones : startswith(zone, var.region)])
    error_message = "Zones of the region."
  }
}

variable "name" {
  description = "Prefix of all names; use a different one for each environment."
  type        = string
  default     = "tripgraph"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.name))
    error_message = "2 to 20 lower-case letters, digits and hyphens, a letter first: load balancers allow no more."
  }
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
}

# Access

variable "certificate_arn" {
  description = "The ACM certificate of the host name, in the same region."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:", var.certificate_arn))
    error_message = "The ARN of an ACM certificate: arn:aws:acm:…"
  }
}

variable "allowed_cidrs" {
  description = "The IPv4 ranges that may reach the load balancer."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(cidrnetmask(cidr))])
    error_message = "At least one range, each like 192.0.2.0/24."
  }
}

variable "internal" {
  description = "Make the load balancer internal: reachable only from the VPC and networks connected to it."
  type        = bool
  default     = false
}

variable "vpc_cidr" {
  description = "The range of the VPC."
  type        = string
  default     = "10.64.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 4, 3)) && try(tonumber(split("/", var.vpc_cidr)[1]) <= 22, false)
    error_message = "An IPv4 range of /22 or larger: it is cut into sixteen, and a load balancer needs a /27."
  }
}

variable "idle_timeout_seconds" {
  description = "Seconds after which the load balancer closes a silent connection."
  type        = number
  default     = 120

  validation {
    condition     = var.idle_timeout_seconds > 60 && var.idle_timeout_seconds <= 4000
    error_message = "61 to 4000: a query may think for a minute, and WebSockets are pinged every 25 seconds."
  }
}

variable "drain_seconds" {
  description = "Seconds that a server has to finish uploads and subscriptions before it is stopped."
  type        = number
  default     = 300

  validation {
    condition     = var.drain_seconds >= 0 && var.drain_seconds <= 3600
    error_message = "0 to 3600."
  }
}

# The servers

variable "image" {
  description = "The image, in an ECR repository of the same region, with a tag or a digest."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com/[a-z0-9._/-]+(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$", var.image))
    error_message = "123456789012.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG: the servers have no way to other registries."
  }

  validation {
    condition     = !endswith(var.image, ":latest")
    error_message = "A tag that stays what it is: a rollback to \"latest\" goes nowhere."
  }
}

variable "cpu_architecture" {
  description = "Architecture of the image: X86_64, or ARM64, which costs a fifth less."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "X86_64 or ARM64."
  }
}

variable "cpu" {
  description = "CPU units of a server, 1024 per vCPU. An ingestion uses two vCPUs."
  type        = number
  default     = 2048

  validation {
    condition     = contains([512, 1024, 2048, 4096, 8192], var.cpu)
    error_message = "512, 1024, 2048, 4096 or 8192."
  }
}

variable "memory" {
  description = "Memory of a server in MiB. An ingestion takes about 600; large queries come on top."
  type        = number
  default     = 4096

  validation {
    condition     = var.memory >= var.cpu && var.memory <= var.cpu * 8 && var.memory >= 2048
    error_message = "At least 2048, and one to eight MiB for each CPU unit; Fargate has the exact steps."
  }
}

variable "min_servers" {
  description = "Minimum number of servers."
  type        = number
  default     = 2

  validation {
    condition     = var.min_servers >= 1
    error_message = "At least one; two, to survive the loss of one."
  }
}

variable "max_servers" {
  description = "Maximum number of servers. Each ingests one file at a time."
  type        = number
  default     = 6

  validation {
    condition     = var.max_servers >= var.min_servers
    error_message = "Not below min_servers."
  }
}

variable "cpu_target_percent" {
  description = "Target of auto scaling: average CPU utilisation of the servers in percent."
  type        = number
  default     = 60

  validation {
    condition     = var.cpu_target_percent >= 20 && var.cpu_target_percent <= 90
    error_message = "20 to 90."
  }
}

variable "max_upload_bytes" {
  description = "Maximum size of an upload in bytes."
  type        = number
  default     = 34359738368

  validation {
    condition     = var.max_upload_bytes > 0
    error_message = "More than nothing."
  }
}

variable "log_filter" {
  description = "TRIPGRAPH_LOG."
  type        = string
  default     = "info"
}

variable "log_retention_days" {
  description = "Days that CloudWatch keeps logs."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "One of CloudWatch's: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731."
  }
}

# The database

variable "database_instance_class" {
  description = "The RDS instance class. docs/guides/cloud.md lists sizes by number of trips."
  type        = string
  default     = "db.m7g.large"

  validation {
    condition     = startswith(var.database_instance_class, "db.")
    error_message = "Like db.m7g.large."
  }
}

variable "database_major_version" {
  description = "The major version of PostgreSQL; minor versions are updated automatically."
  type        = number
  default     = 17

  validation {
    condition     = var.database_major_version >= 15
    error_message = "15 or later."
  }
}

variable "database_storage_gib" {
  description = "Initial storage in GiB. From 400 GiB, gp3 is four times as fast."
  type        = number
  default     = 100

  validation {
    condition     = var.database_storage_gib >= 20 && var.database_storage_gib <= 65536
    error_message = "20 to 65536."
  }
}

variable "database_max_storage_gib" {
  description = "Maximum to which storage grows automatically, in GiB. It never shrinks."
  type        = number
  default     = 1000

  validation {
    condition     = var.database_max_storage_gib >= var.database_storage_gib * 1.1 && var.database_max_storage_gib <= 65536
    error_message = "At least a tenth more than database_storage_gib, at most 65536."
  }
}

variable "database_multi_az" {
  description = "Run a standby in the other zone, at twice the price."
  type        = bool
  default     = true
}

variable "database_backup_days" {
  description = "Days for which the database can be restored to any second."
  type        = number
  default     = 14

  validation {
    condition     = var.database_backup_days >= 1 && var.database_backup_days <= 35
    error_message = "1 to 35."
  }
}

variable "database_url_options" {
  description = "Options of the database URL. For sslmode=verify-full the image needs Amazon's certificates: see README.md."
  type        = string
  default     = "sslmode=require"

  validation {
    condition     = can(regex("sslmode=(require|verify-ca|verify-full)", var.database_url_options))
    error_message = "With sslmode=require, verify-ca or verify-full: the database takes no other connections."
  }
}

variable "database_password_version" {
  description = "Increase it to generate a new password."
  type        = number
  default     = 1
}

# Operation

variable "deletion_protection" {
  description = "Refuse to destroy the database and the load balancer."
  type        = bool
  default     = true
}

variable "alarm_topic_arn" {
  description = "The SNS topic that alarms are sent to; none if null."
  type        = string
  default     = null
}
