-- Makes the nodes of docker-compose.yml known to the coordinator. May run again.

SELECT citus_set_coordinator_host('citus-coordinator', 5432)
WHERE NOT EXISTS (SELECT FROM pg_dist_node WHERE nodename = 'citus-coordinator');

SELECT citus_add_node('citus-worker-1', 5432)
WHERE NOT EXISTS (SELECT FROM pg_dist_node WHERE nodename = 'citus-worker-1');

SELECT citus_add_node('citus-worker-2', 5432)
WHERE NOT EXISTS (SELECT FROM pg_dist_node WHERE nodename = 'citus-worker-2');
