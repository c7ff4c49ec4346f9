-- Registers the nodes of docker-compose.yml at the coordinator. Can be run repeatedly.

SELECT citus_set_coordinator_host('citus-coordinator', 5432)
WHERE NOT EXISTS (SELECT FROM pg_dist_node WHERE nodename = 'citus-coordinator');

SELECT citus_add_node('citus-worker-1', 5432)
WHERE NOT EXISTS (SELECT FROM pg_dist_node WHERE nodename = 'citus-worker-1');

SELECT citus_add_node('citus-worker-2', 5432)
WHERE NOT EXISTS (SELECT FROM pg_dist_node WHERE nodename = 'citus-worker-2');
