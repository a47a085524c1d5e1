"""Object stores, cluster coordination and secrets."""

from __future__ import annotations

from tputtui.signals.classify.exporters import ExporterEntry

ENTRIES: tuple[ExporterEntry, ...] = (
    ExporterEntry(
        "MinIO",
        (
            "minio_s3_requests_total",
            "minio_http_requests_duration_seconds",
            "minio_api_requests_total",
        ),
        traffic=(
            "minio_s3_requests_total",
            "minio_api_requests_total",
            "minio_http_requests_duration_seconds_count",
        ),
        errors=(
            "minio_s3_requests_5xx_errors_total",
            "minio_api_requests_5xx_errors_total",
            "minio_s3_requests_errors_total",
            "minio_api_requests_errors_total",
            "s3_errors_total",
        ),
        latency=(
            "minio_s3_requests_duration_seconds",
            "minio_http_requests_duration_seconds",
        ),
        saturation=(
            "waiting requests: minio_s3_requests_waiting_total waiting",
            "waiting requests: minio_api_requests_waiting_total waiting",
            "in flight: minio_s3_requests_inflight_total",
            "in flight: minio_api_requests_inflight_total",
        ),
    ),
    ExporterEntry(
        "etcd",
        ("etcd_server_*", "etcd_mvcc_*"),
        traffic=(
            "grpc_server_handled_total",
            "grpc_server_started_total",
            "etcd_server_client_requests_total",
            "etcd_mvcc_range_total",
            "etcd_mvcc_put_total",
        ),
        errors=(
            "grpc_server_handled_total by grpc_code",
            "etcd_server_proposals_failed_total",
        ),
        latency=(
            "grpc_server_handling_seconds",
            "etcd_server_range_duration_seconds",
            "etcd_server_apply_duration_seconds",
            "etcd_disk_backend_commit_duration_seconds",
            "etcd_disk_wal_fsync_duration_seconds",
        ),
        saturation=(
            "pending proposals: etcd_server_proposals_pending waiting",
            "database: etcd_mvcc_db_total_size_in_bytes / etcd_server_quota_backend_bytes",
            "file descriptors: os_fd_used / os_fd_limit",
        ),
    ),
    ExporterEntry(
        "Consul",
        ("consul_raft_*", "consul_rpc_*", "consul_api_http"),
        traffic=("consul_rpc_request", "consul_api_http_count", "consul_client_rpc"),
        errors=("consul_rpc_request_error", "consul_client_rpc_failed"),
        latency=(
            "consul_api_http [ms]",
            "consul_kvs_apply [ms]",
            "consul_raft_commitTime [ms]",
            "consul_http_GET_v1_kv__ [ms]",
        ),
        saturation=(
            "blocking queries: consul_rpc_queries_blocking",
            "streams: consul_grpc_server_streams",
        ),
    ),
    ExporterEntry(
        "Vault",
        ("vault_core_handle_request",),
        traffic=("vault_core_handle_request_count",),
        errors=("vault_audit_log_request_failure", "vault_core_leadership_lost_count"),
        latency=("vault_core_handle_request [ms]",),
        saturation=("in flight: vault_core_in_flight_requests",),
    ),
    ExporterEntry(
        "ZooKeeper",
        ("packets_received", "zk_packets_received", "znode_count"),
        traffic=("zk_packets_received", "packets_received", "request_commit_queued"),
        errors=(
            "connection_rejected",
            "unrecoverable_error_count",
            "zk_connection_rejected",
            "stale_requests",
        ),
        latency=("readlatency [ms]", "updatelatency [ms]", "zk_avg_latency [ms]"),
        saturation=(
            "outstanding requests: outstanding_requests waiting",
            "outstanding requests: zk_outstanding_requests waiting",
            "connections: num_alive_connections",
        ),
    ),
    ExporterEntry(
        "Ceph",
        ("ceph_osd_op", "ceph_pool_rd", "ceph_health_status"),
        traffic=("ceph_osd_op", "ceph_pool_rd", "ceph_osd_op_r"),
        latency=("ceph_osd_op_latency [s]", "ceph_osd_op_r_latency [s]"),
        saturation=(
            "slow operations: ceph_healthcheck_slow_ops waiting",
            "storage: ceph_cluster_total_used_bytes / ceph_cluster_total_bytes",
        ),
    ),
)
