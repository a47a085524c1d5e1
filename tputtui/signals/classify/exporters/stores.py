"""Databases, caches and search engines."""

from __future__ import annotations

from tputtui.signals.classify.exporters import ExporterEntry

ENTRIES: tuple[ExporterEntry, ...] = (
    ExporterEntry(
        "Redis",
        ("redis_commands_processed_total", "redis_connected_clients"),
        traffic=("redis_commands_processed_total", "redis_commands_total"),
        errors=(
            "redis_commands_failed_calls_total",
            "redis_total_error_replies",
            "redis_errors_total",
            "redis_rejected_connections_total",
        ),
        latency=(
            "redis_commands_duration_seconds_total / redis_commands_total",
            "redis_latency_percentiles_usec",
        ),
        saturation=(
            "memory: redis_memory_used_bytes / redis_memory_max_bytes",
            "clients: redis_connected_clients / redis_config_maxclients",
            "blocked clients: redis_blocked_clients",
        ),
    ),
    ExporterEntry(
        "Dragonfly",
        ("dragonfly_commands_processed_total",),
        traffic=("dragonfly_commands_processed_total", "dragonfly_commands_total"),
        latency=("dragonfly_commands_duration_seconds_total / dragonfly_commands_total",),
        saturation=(
            "memory: dragonfly_memory_used_bytes / dragonfly_memory_max_bytes",
            "clients: dragonfly_connected_clients / dragonfly_max_clients",
        ),
    ),
    ExporterEntry(
        "PostgreSQL",
        ("pg_stat_database_*", "pg_up"),
        traffic=("pg_stat_database_xact_commit", "pg_stat_database_xact_commit_total"),
        errors=(
            "pg_stat_database_xact_rollback",
            "pg_stat_database_xact_rollback_total",
            "pg_stat_database_deadlocks",
            "pg_stat_database_deadlocks_total",
        ),
        latency=(
            "pg_stat_statements_seconds_total / pg_stat_statements_calls_total",
            "pg_stat_statements_total_time_seconds / pg_stat_statements_calls",
        ),
        saturation=(
            "waiting locks: pg_stat_activity_waiting waiting",
            "connections: pg_stat_database_numbackends / pg_settings_max_connections",
            'active connections: pg_stat_activity_count{state="active"} / pg_settings_max_connections',
        ),
    ),
    ExporterEntry(
        "PgBouncer",
        (
            "pgbouncer_stats_queries_pooled_total",
            "pgbouncer_stats_queries_total",
            "pgbouncer_pools_client_active_connections",
        ),
        traffic=(
            "pgbouncer_stats_queries_pooled_total",
            "pgbouncer_stats_queries_total",
            "pgbouncer_stats_sql_transactions_pooled_total",
        ),
        latency=(
            "pgbouncer_stats_queries_duration_seconds_total / pgbouncer_stats_queries_pooled_total",
            "pgbouncer_stats_queries_duration_microseconds / pgbouncer_stats_queries_pooled_total",
        ),
        saturation=(
            "waiting clients: pgbouncer_pools_client_waiting_connections waiting",
            "server connections: pgbouncer_pools_server_active_connections / pgbouncer_databases_pool_size",
            "clients: pgbouncer_pools_client_active_connections / pgbouncer_config_max_client_connections",
        ),
        missing_signals=("errors",),
    ),
    ExporterEntry(
        "MySQL",
        ("mysql_global_status_*",),
        traffic=(
            "mysql_global_status_questions",
            "mysql_global_status_queries",
            "mysql_global_status_commands_total",
        ),
        errors=(
            "mysql_global_status_connection_errors_total",
            "mysql_global_status_aborted_connects",
            "mysql_global_status_aborted_clients",
        ),
        latency=(
            "mysql_perf_schema_events_statements_seconds_total / mysql_perf_schema_events_statements_total",
            "mysql_info_schema_query_response_time_seconds",
        ),
        saturation=(
            "row lock waits: mysql_global_status_innodb_row_lock_current_waits waiting",
            "connections: mysql_global_status_threads_connected / mysql_global_variables_max_connections",
            "threads running: mysql_global_status_threads_running",
        ),
    ),
    ExporterEntry(
        "ProxySQL",
        ("proxysql_mysql_status_questions", "proxysql_queries_total", "proxysql_questions_total"),
        traffic=(
            "proxysql_questions_total",
            "proxysql_mysql_status_questions",
            "proxysql_queries_total",
        ),
        errors=(
            "proxysql_connpool_conns_total by status = err",
            "proxysql_connection_pool_conn_err",
            "proxysql_mysql_status_mysql_monitor_connect_check_err",
        ),
        latency=("proxysql_mysql_command_total_time_us / proxysql_mysql_command_total_cnt",),
        saturation=(
            "client connections: proxysql_client_connections_connected",
            "client connections: proxysql_mysql_status_client_connections_connected",
        ),
    ),
    ExporterEntry(
        "MongoDB",
        (
            "mongodb_op_counters_total",
            "mongodb_ss_opcounters",
            "mongodb_mongod_op_counters_total",
            "mongodb_up",
        ),
        traffic=(
            "mongodb_op_counters_total",
            "mongodb_ss_opcounters",
            "mongodb_mongod_op_counters_total",
        ),
        errors=("mongodb_asserts_total", "mongodb_ss_asserts", "mongodb_mongod_asserts_total"),
        latency=(
            "mongodb_ss_opLatencies_latency [us] / mongodb_ss_opLatencies_ops",
            "mongodb_mongod_op_latencies_latency_total [us] / mongodb_mongod_op_latencies_ops_total",
        ),
        saturation=(
            "queued operations: mongodb_ss_globalLock_currentQueue waiting",
            "queued operations: mongodb_mongod_global_lock_current_queue waiting",
            'connections: mongodb_ss_connections{conn_type="current"}',
            'connections: mongodb_connections{state="current"}',
        ),
    ),
    ExporterEntry(
        "Elasticsearch",
        (
            "elasticsearch_indices_search_query_total",
            "elasticsearch_indices_indexing_index_total",
            "elasticsearch_cluster_health_status",
        ),
        traffic=(
            "elasticsearch_indices_search_query_total",
            "elasticsearch_indices_indexing_index_total",
        ),
        errors=("elasticsearch_thread_pool_rejected_count", "elasticsearch_breakers_tripped"),
        latency=(
            "elasticsearch_indices_search_query_time_seconds / elasticsearch_indices_search_query_total",
            "elasticsearch_indices_indexing_index_time_seconds_total / elasticsearch_indices_indexing_index_total",
        ),
        saturation=(
            "thread pool queue: elasticsearch_thread_pool_queue_count waiting",
            'jvm heap: elasticsearch_jvm_memory_used_bytes{area="heap"} / elasticsearch_jvm_memory_max_bytes',
            "threads: elasticsearch_thread_pool_active_count",
        ),
        extra=("indexing: elasticsearch_indices_indexing_index_total",),
    ),
    ExporterEntry(
        "OpenSearch",
        ("opensearch_indices_search_query_count", "opensearch_indices_indexing_index_count"),
        traffic=(
            "opensearch_indices_search_query_count",
            "opensearch_indices_indexing_index_count",
        ),
        errors=("opensearch_threadpool_tasks_number by type = rejected",),
        latency=(
            "opensearch_indices_search_query_time_seconds / opensearch_indices_search_query_count",
        ),
        saturation=(
            'thread pool queue: opensearch_threadpool_tasks_number{type="queue"} waiting',
            "jvm heap: opensearch_jvm_mem_heap_used_percent",
        ),
    ),
    ExporterEntry(
        "Solr",
        ("solr_metrics_core_requests_total", "solr_metrics_core_query_requests_total"),
        traffic=("solr_metrics_core_requests_total", "solr_metrics_core_query_requests_total"),
        errors=("solr_metrics_core_errors_total", "solr_metrics_core_query_errors_total"),
        latency=(
            "solr_metrics_core_query_p99_ms",
            "solr_metrics_core_time_seconds_total / solr_metrics_core_requests_total",
        ),
    ),
    ExporterEntry(
        "Memcached",
        ("memcached_commands_total",),
        traffic=("memcached_commands_total",),
        errors=("memcached_connections_rejected_total", "memcached_conn_yields_total"),
        saturation=(
            "memory: memcached_current_bytes / memcached_limit_bytes",
            "connections: memcached_current_connections / memcached_max_connections",
        ),
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "Cassandra (JMX)",
        ("org_apache_cassandra_metrics_clientrequest_*", "cassandra_clientrequest_*"),
        traffic=(
            'org_apache_cassandra_metrics_clientrequest_count{name="Latency"}',
            'cassandra_clientrequest_count{name="Latency"}',
        ),
        errors=(
            'org_apache_cassandra_metrics_clientrequest_count{name=~"Latency|Timeouts|Unavailables|Failures"} by name = Timeouts|Unavailables|Failures',
            'cassandra_clientrequest_count{name=~"Latency|Timeouts|Unavailables|Failures"} by name = Timeouts|Unavailables|Failures',
        ),
        latency=(
            'org_apache_cassandra_metrics_clientrequest_99thpercentile{name="Latency"} [us]',
            'cassandra_clientrequest_99thpercentile{name="Latency"} [us]',
        ),
        saturation=(
            'pending tasks: org_apache_cassandra_metrics_threadpools_value{name="PendingTasks"} waiting',
            'pending tasks: cassandra_threadpools_value{name="PendingTasks"} waiting',
        ),
    ),
    ExporterEntry(
        "ScyllaDB",
        (
            "scylla_cql_requests_total",
            "scylla_transport_requests_served",
            "scylla_storage_proxy_coordinator_write_latency",
        ),
        traffic=("scylla_transport_requests_served", "scylla_cql_requests_total"),
        errors=(
            "scylla_storage_proxy_coordinator_write_timeouts",
            "scylla_storage_proxy_coordinator_read_timeouts",
            "scylla_transport_cql_errors_total",
        ),
        latency=(
            "scylla_storage_proxy_coordinator_read_latency [us]",
            "scylla_storage_proxy_coordinator_write_latency [us]",
        ),
        saturation=(
            "queued reads: scylla_database_queued_reads waiting",
            "in flight: scylla_transport_requests_serving",
            "reactor: scylla_reactor_utilization [percent]",
        ),
    ),
    ExporterEntry(
        "CockroachDB",
        ("sql_query_count", "sql_service_latency"),
        traffic=("sql_query_count", "sql_select_count", "sql_service_latency_count"),
        errors=("sql_failure_count", "txn_aborts"),
        latency=("sql_service_latency [ns]", "sql_exec_latency [ns]", "exec_latency [ns]"),
        saturation=(
            "queued flows: sql_distsql_flows_queued waiting",
            "slow raft requests: requests_slow_raft waiting",
            "slow latch requests: requests_slow_latch waiting",
            "slow lease requests: requests_slow_lease waiting",
            "cpu: sys_cpu_combined_percent_normalized [ratio]",
            "connections: sql_conns",
            "storage: capacity_used / capacity",
        ),
    ),
    ExporterEntry(
        "YugabyteDB",
        ("handler_latency_yb_*", "rpc_connections_alive"),
        traffic=(
            "handler_latency_yb_ysqlserver_SQLProcessor_SelectStmt_count",
            "handler_latency_yb_cqlserver_SQLProcessor_ExecuteRequest_count",
            "handler_latency_yb_cqlserver_SQLProcessor_SelectStmt_count",
            "handler_latency_yb_tserver_TabletServerService_Read_count",
            "handler_latency_yb_tserver_TabletServerService_Write_count",
            "handler_latency_yb_master_MasterClient_GetTabletLocations_count",
            "handler_latency_yb_master_MasterHeartbeat_TSHeartbeat_count",
        ),
        errors=("rpcs_timed_out_in_queue", "rpcs_queue_overflow"),
        latency=(
            "handler_latency_yb_ysqlserver_SQLProcessor_SelectStmt [us]",
            "handler_latency_yb_cqlserver_SQLProcessor_ExecuteRequest [us]",
            "handler_latency_yb_cqlserver_SQLProcessor_SelectStmt [us]",
            "handler_latency_yb_tserver_TabletServerService_Read [us]",
            "handler_latency_yb_tserver_TabletServerService_Write [us]",
            "handler_latency_yb_master_MasterClient_GetTabletLocations [us]",
            "handler_latency_yb_master_MasterHeartbeat_TSHeartbeat [us]",
        ),
        saturation=(
            "rpc connections: rpc_connections_alive",
            "rpc queue: rpcs_in_queue_yb_tserver_TabletServerService waiting",
        ),
    ),
    ExporterEntry(
        "TiDB",
        ("tidb_server_query_total", "tidb_server_handle_query_duration_seconds"),
        traffic=("tidb_server_query_total", "tidb_executor_statement_total"),
        errors=("tidb_server_query_total by result = Error", "tidb_server_execute_error_total"),
        latency=("tidb_server_handle_query_duration_seconds",),
        saturation=("connections: tidb_server_connections", "tokens in use: tidb_server_tokens"),
    ),
    ExporterEntry(
        "TiKV",
        ("tikv_grpc_msg_duration_seconds",),
        traffic=("tikv_grpc_msg_duration_seconds_count",),
        errors=("tikv_grpc_msg_fail_total",),
        latency=("tikv_grpc_msg_duration_seconds",),
        saturation=(
            "pending writes: tikv_scheduler_contex_total waiting",
            "pending tasks: tikv_worker_pending_task_total waiting",
        ),
    ),
    ExporterEntry(
        "ClickHouse",
        ("ClickHouseProfileEvents_Query", "clickhouse_query_total", "ClickHouseMetrics_Query"),
        traffic=("ClickHouseProfileEvents_Query", "clickhouse_query_total"),
        errors=("ClickHouseProfileEvents_FailedQuery", "clickhouse_failed_query_total"),
        latency=(
            "ClickHouseProfileEvents_QueryTimeMicroseconds / ClickHouseProfileEvents_Query",
            "clickhouse_query_time_microseconds_total / clickhouse_query_total",
        ),
        saturation=(
            "replication queue: ClickHouseAsyncMetrics_ReplicasSumQueueSize waiting",
            "running queries: ClickHouseMetrics_Query",
            "merges: ClickHouseMetrics_Merge",
            "connections: ClickHouseMetrics_TCPConnection",
        ),
    ),
    ExporterEntry(
        "Couchbase",
        ("kv_ops", "cbbucketstat_ops"),
        traffic=("kv_ops", "n1ql_requests"),
        errors=("n1ql_errors", "kv_ops_failed"),
        latency=("kv_cmd_duration_seconds",),
    ),
    ExporterEntry(
        "Neo4j",
        ("neo4j_transaction_committed_total", "neo4j_dbms_bolt_connections_opened_total"),
        traffic=(
            "neo4j_transaction_committed_total",
            "neo4j_database_neo4j_transaction_committed_total",
        ),
        errors=(
            "neo4j_transaction_rollbacks_total",
            "neo4j_database_neo4j_transaction_rollbacks_total",
        ),
        latency=("neo4j_db_query_execution_latency_millis",),
        saturation=("active transactions: neo4j_transaction_active",),
    ),
    ExporterEntry(
        "Qdrant",
        ("rest_responses_total", "grpc_responses_total"),
        traffic=("rest_responses_total", "grpc_responses_total"),
        errors=("rest_responses_total by status", "rest_responses_fail_total"),
        latency=("rest_responses_duration_seconds", "rest_responses_avg_duration_seconds"),
    ),
    ExporterEntry(
        "Oracle",
        ("oracledb_activity_execute_count", "oracledb_up"),
        traffic=("oracledb_activity_execute_count", "oracledb_activity_user_commits"),
        errors=("oracledb_activity_user_rollbacks",),
        saturation=("processes: oracledb_process_count", "sessions: oracledb_sessions_value"),
    ),
    ExporterEntry(
        "SQL Server",
        ("mssql_batch_requests", "windows_mssql_sqlstats_batch_requests"),
        traffic=("mssql_batch_requests", "windows_mssql_sqlstats_batch_requests"),
        errors=("mssql_user_errors_total", "mssql_deadlocks", "windows_mssql_sql_errors_total"),
        saturation=("connections: mssql_connections", "log growths: mssql_log_growths"),
    ),
)
