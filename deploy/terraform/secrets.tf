# Secrets are generated here and never written to the state. The password is read back from the secret,
# so that database and servers agree even if an apply is interrupted between the two.

ephemeral "aws_secretsmanager_random_password" "database" {
  password_length = 40
  # It becomes part of a URL.
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "database_password" {
  name_prefix = "${var.name}-database-password-"
  description = "The password of ${local.database} in the database ${var.name}"
}

resource "aws_secretsmanager_secret_version" "database_password" {
  secret_id                = aws_secretsmanager_secret.database_password.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.database.random_password
  secret_string_wo_version = var.database_password_version
}

ephemeral "aws_secretsmanager_secret_version" "database_password" {
  secret_id  = aws_secretsmanager_secret.database_password.id
  version_id = aws_secretsmanager_secret_version.database_password.version_id
}

resource "aws_secretsmanager_secret" "database_url" {
  name_prefix = "${var.name}-database-url-"
  description = "TRIPGRAPH_DATABASE_URL"
}

resource "aws_secretsmanager_secret_version" "database_url" {
  secret_id = aws_secretsmanager_secret.database_url.id
  secret_string_wo = format(
    "postgres://%s:%s@%s:%d/%s?%s",
    local.database,
    ephemeral.aws_secretsmanager_secret_version.database_password.secret_string,
    aws_db_instance.main.address,
    aws_db_instance.main.port,
    local.database,
    var.database_url_options,
  )
  secret_string_wo_version = parseint(substr(sha256(join(" ", [
    aws_secretsmanager_secret_version.database_password.version_id,
    aws_db_instance.main.address,
    var.database_url_options,
  ])), 0, 8), 16)
}

ephemeral "aws_secretsmanager_random_password" "token" {
  password_length     = 40
  exclude_punctuation = true
}

# The first token. More are added to the secret itself; Terraform does not overwrite them.
resource "aws_secretsmanager_secret" "tokens" {
  name_prefix = "${var.name}-tokens-"
  description = "TRIPGRAPH_TOKENS: name:read|write:secret, separated by commas"
}

resource "aws_secretsmanager_secret_version" "tokens" {
  secret_id                = aws_secretsmanager_secret.tokens.id
  secret_string_wo         = "admin:write:${ephemeral.aws_secretsmanager_random_password.token.random_password}"
  secret_string_wo_version = 1
}
