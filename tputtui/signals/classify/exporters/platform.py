"""Kubernetes and similar, RPC libraries, hosts, containers and devices.

They run beside a service or under it.
"""

from __future__ import annotations

from tputtui.signals.classify.exporters import ExporterEntry

_PRESSURE = (
    "cpu pressure: node_pressure_cpu_waiting_seconds_total [ratio]",
    "io pressure: node_pressure_io_waiting_seconds_total [ratio]",
    "memory pressure: node_pressure_memory_waiting_seconds_total [ratio]",
)

ENTRIES: tuple[ExporterEntry, ...] = (
    ExporterEntry(
        "Kubernetes API server",
        ("apiserver_request_total", "apiserver_request_count"),
        traffic=(
            "apiserver_request_total",
            "apiserver_request_count",
            "apiserver_request_duration_seconds_count",
        ),
        errors=("apiserver_request_total by code", "apiserver_request_count by code"),
        latency=(
            'apiserver_request_duration_seconds{verb!~"WATCH|WATCHLIST|CONNECT"}',
            'apiserver_request_sli_duration_seconds{verb!~"WATCH|WATCHLIST|CONNECT"}',
            'apiserver_request_latencies{verb!~"WATCH|WATCHLIST|CONNECT"} [us]',
        ),
        saturation=(
            "queued requests: apiserver_flowcontrol_current_inqueue_requests waiting",
            "seats: apiserver_flowcontrol_current_executing_seats / apiserver_flowcontrol_current_limit_seats",
            "in flight: apiserver_current_inflight_requests",
            "work queue: workqueue_depth waiting",
        ),
        rank=3,
    ),
    ExporterEntry(
        "kubelet",
        ("kubelet_runtime_operations*", "kubelet_docker_operations*"),
        traffic=(
            "kubelet_runtime_operations_total",
            "kubelet_runtime_operations",
            "kubelet_docker_operations",
        ),
        errors=(
            "kubelet_runtime_operations_errors_total",
            "kubelet_runtime_operations_errors",
            "kubelet_docker_operations_errors",
        ),
        latency=(
            "kubelet_runtime_operations_duration_seconds",
            "kubelet_runtime_operations_latency_microseconds",
            "kubelet_docker_operations_latency_microseconds",
        ),
        saturation=(
            "running pods: kubelet_running_pods",
            "running pods: kubelet_running_pod_count",
        ),
    ),
    ExporterEntry(
        "kube-proxy",
        (
            "kubeproxy_sync_proxy_rules_latency_microseconds",
            "kubeproxy_sync_proxy_rules_duration_seconds",
        ),
        traffic=("rest_client_requests_total", "kubeproxy_sync_proxy_rules_duration_seconds_count"),
        errors=("rest_client_requests_total by code",),
        latency=(
            "kubeproxy_sync_proxy_rules_duration_seconds",
            "kubeproxy_sync_proxy_rules_latency_microseconds [us]",
        ),
        rank=1,
    ),
    ExporterEntry(
        "kube-scheduler",
        ("scheduler_schedule_attempts_total", "scheduler_scheduling_attempt_duration_seconds"),
        traffic=("scheduler_schedule_attempts_total",),
        errors=("scheduler_schedule_attempts_total by result = error|unschedulable",),
        latency=(
            "scheduler_scheduling_attempt_duration_seconds",
            "scheduler_e2e_scheduling_duration_seconds",
        ),
        saturation=("pending pods: scheduler_pending_pods waiting",),
    ),
    ExporterEntry(
        "controller-runtime",
        ("controller_runtime_reconcile_total",),
        traffic=("controller_runtime_reconcile_total",),
        errors=(
            "controller_runtime_reconcile_total by result = error",
            "controller_runtime_reconcile_errors_total",
        ),
        latency=("controller_runtime_reconcile_time_seconds", "workqueue_work_duration_seconds"),
        saturation=(
            "work queue: workqueue_depth waiting",
            "workers: controller_runtime_active_workers / controller_runtime_max_concurrent_reconciles",
        ),
    ),
    ExporterEntry(
        "Argo CD",
        ("argocd_app_reconcile", "argocd_app_sync_total"),
        traffic=("argocd_app_reconcile_count", "argocd_app_sync_total"),
        errors=("argocd_app_sync_total by phase = Error|Failed",),
        latency=("argocd_app_reconcile [s]",),
        saturation=("work queue: workqueue_depth waiting",),
    ),
    ExporterEntry(
        "Argo Workflows",
        ("argo_workflows_count", "argo_workflows_operation_duration_seconds"),
        traffic=("argo_workflows_operation_duration_seconds_count", "argo_workflows_total_count"),
        errors=("argo_workflows_error_count", "argo_workflows_total_count by phase = Error|Failed"),
        latency=("argo_workflows_operation_duration_seconds",),
        saturation=(
            "work queue: argo_workflows_queue_depth_gauge waiting",
            "work queue: argo_workflows_queue_depth_count waiting",
        ),
    ),
    ExporterEntry(
        "cert-manager",
        ("certmanager_controller_sync_call_count", "certmanager_certificate_ready_status"),
        traffic=(
            "certmanager_controller_sync_call_count",
            "certmanager_http_acme_client_request_count",
        ),
        errors=(
            "certmanager_controller_sync_error_count",
            "certmanager_http_acme_client_request_count by status",
        ),
        latency=("certmanager_http_acme_client_request_duration_seconds",),
        saturation=("work queue: workqueue_depth waiting",),
    ),
    ExporterEntry(
        "work queues",
        ("workqueue_adds_total",),
        traffic=("workqueue_adds_total",),
        errors=("workqueue_retries_total",),
        latency=("workqueue_work_duration_seconds",),
        saturation=("work queue: workqueue_depth waiting",),
        rank=1,
    ),
    ExporterEntry(
        "gRPC server",
        ("grpc_server_handled_total", "grpc_server_started_total"),
        traffic=("grpc_server_handled_total", "grpc_server_started_total"),
        errors=("grpc_server_handled_total by grpc_code",),
        latency=("grpc_server_handling_seconds", "grpc_server_handled_latency_seconds"),
    ),
    ExporterEntry(
        "OpenTelemetry RPC server",
        ("rpc_server_duration*", "rpc_server_call_duration*"),
        traffic=(
            "rpc_server_duration_milliseconds_count",
            "rpc_server_duration_count",
            "rpc_server_call_duration_seconds_count",
        ),
        errors=(
            "rpc_server_duration_milliseconds_count by rpc_grpc_status_code",
            "rpc_server_duration_count by rpc_grpc_status_code",
        ),
        latency=(
            "rpc_server_duration_milliseconds",
            "rpc_server_duration [ms]",
            "rpc_server_call_duration_seconds",
        ),
        rank=3,
    ),
    ExporterEntry(
        "gRPC server (Spring, Armeria)",
        ("grpc_server_processing_duration_seconds", "grpc_server_requests_received_messages_total"),
        traffic=(
            "grpc_server_processing_duration_seconds_count",
            "grpc_server_requests_received_messages_total",
        ),
        errors=("grpc_server_processing_duration_seconds_count by statusCode",),
        latency=("grpc_server_processing_duration_seconds",),
        rank=3,
    ),
    ExporterEntry(
        "Grafana",
        ("grafana_http_request_duration_seconds", "grafana_api_response_status_total"),
        traffic=(
            "grafana_http_request_duration_seconds_count",
            "grafana_api_response_status_total",
            "http_request_total",
        ),
        errors=(
            "grafana_http_request_duration_seconds_count by status_code",
            "grafana_api_response_status_total by code",
        ),
        latency=("grafana_http_request_duration_seconds", "http_request_duration_milliseconds"),
        saturation=(
            "in flight: grafana_http_request_in_flight",
            "db connections: grafana_database_conn_in_use / grafana_database_conn_max_open",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Alertmanager",
        ("alertmanager_notifications_total", "alertmanager_http_request_duration_seconds"),
        traffic=(
            "alertmanager_alerts_received_total",
            "alertmanager_http_request_duration_seconds_count",
            "alertmanager_notifications_total",
        ),
        errors=("alertmanager_notifications_failed_total", "alertmanager_alerts_invalid_total"),
        latency=(
            "alertmanager_http_request_duration_seconds",
            "alertmanager_notification_latency_seconds",
        ),
        saturation=(
            "in flight: alertmanager_http_requests_in_flight",
            "cluster queue: alertmanager_cluster_messages_queued waiting",
        ),
    ),
    ExporterEntry(
        "Pushgateway",
        ("pushgateway_http_requests_total", "pushgateway_http_push_duration_seconds"),
        traffic=("pushgateway_http_requests_total",),
        errors=("pushgateway_http_requests_total by code",),
        latency=("pushgateway_http_push_duration_seconds",),
        rank=3,
    ),
    ExporterEntry(
        "Docker registry",
        ("registry_http_requests_total",),
        traffic=("registry_http_requests_total",),
        errors=("registry_http_requests_total by code",),
        latency=("registry_http_request_duration_seconds",),
        saturation=("in flight: registry_http_in_flight_requests",),
        rank=3,
    ),
    ExporterEntry(
        "Docker Engine",
        ("engine_daemon_container_actions_seconds", "engine_daemon_events_total"),
        traffic=("engine_daemon_container_actions_seconds_count", "engine_daemon_events_total"),
        errors=("engine_daemon_health_checks_failed_total",),
        latency=("engine_daemon_container_actions_seconds",),
    ),
    ExporterEntry(
        "CRI-O",
        ("container_runtime_crio_operations_total",),
        traffic=("container_runtime_crio_operations_total",),
        errors=("container_runtime_crio_operations_errors_total",),
        latency=("container_runtime_crio_operations_latency_seconds",),
    ),
    ExporterEntry(
        "Cilium",
        ("cilium_forward_count_total", "cilium_datapath_conntrack_gc_runs_total"),
        traffic=("cilium_forward_bytes_total [By/s]", "cilium_forward_count_total"),
        errors=("cilium_drop_count_total",),
        rank=1,
    ),
    ExporterEntry(
        "kube-state-metrics",
        ("kube_pod_info", "kube_node_info", "kube_pod_status_phase"),
        rank=0,
        missing_signals=("traffic", "errors", "latency"),
    ),
    ExporterEntry(
        "GPU (dcgm)",
        ("DCGM_FI_*",),
        saturation=(
            "gpu: DCGM_FI_DEV_GPU_UTIL [percent]",
            "gpu memory copy: DCGM_FI_DEV_MEM_COPY_UTIL [percent]",
            "framebuffer: DCGM_FI_DEV_FB_USED",
        ),
        rank=0,
        missing_signals=("traffic", "errors", "latency"),
    ),
    ExporterEntry(
        "GPU (nvidia_smi)",
        ("nvidia_smi_utilization_gpu_ratio", "nvidia_gpu_duty_cycle"),
        saturation=(
            "gpu: nvidia_smi_utilization_gpu_ratio [ratio]",
            "gpu memory: nvidia_smi_memory_used_bytes / nvidia_smi_memory_total_bytes",
        ),
        rank=0,
        missing_signals=("traffic", "errors", "latency"),
    ),
    ExporterEntry(
        "geth",
        ("chain_head_block", "p2p_ingress", "rpc_duration_all"),
        traffic=("rpc_requests", "rpc_duration_all_count", "p2p_ingress [By/s]"),
        errors=("rpc_failure",),
        latency=("rpc_duration_all [ns]",),
        saturation=(
            "pending transactions: txpool_pending waiting",
            "queued transactions: txpool_queued waiting",
            "peers: p2p_peers",
        ),
    ),
    ExporterEntry(
        "cAdvisor",
        ("container_cpu_usage_seconds_total", "container_network_receive_bytes_total"),
        traffic=(
            'container_network_receive_bytes_total{id="/"} [By/s]',
            'container_fs_reads_bytes_total{id="/"} [By/s]',
        ),
        errors=(
            'container_network_receive_errors_total{id="/"}',
            'container_network_receive_packets_dropped_total{id="/"}',
        ),
        saturation=(
            "throttled periods: container_cpu_cfs_throttled_periods_total",
            'memory: container_memory_working_set_bytes{id="/"} / container_spec_memory_limit_bytes',
            'disk in flight: container_fs_io_current{id="/"}',
        ),
        extra=('sent: container_network_transmit_bytes_total{id="/"} [By/s]',),
        rank=0,
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "node_exporter",
        ("node_load1", "node_cpu_seconds_total", "node_memory_MemTotal_bytes"),
        traffic=(
            "node_network_receive_bytes_total [By/s]",
            "node_disk_read_bytes_total [By/s]",
        ),
        errors=(
            "node_network_receive_errs_total",
            "node_network_transmit_errs_total",
            "node_network_receive_drop_total",
        ),
        saturation=(
            *_PRESSURE,
            "load: node_load1",
            "disk in flight: node_disk_io_now",
            "processes waiting for io: node_procs_blocked waiting",
            "conntrack: node_nf_conntrack_entries / node_nf_conntrack_entries_limit",
            "file descriptors: node_filefd_allocated / node_filefd_maximum",
        ),
        extra=(
            "sent: node_network_transmit_bytes_total [By/s]",
            "disk read: node_disk_read_bytes_total [By/s]",
            "disk written: node_disk_written_bytes_total [By/s]",
        ),
        rank=0,
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "windows_exporter",
        ("windows_cpu_time_total", "windows_os_info", "windows_net_bytes_received_total"),
        traffic=(
            "windows_iis_requests_total",
            "windows_net_bytes_received_total [By/s]",
            "windows_logical_disk_read_bytes_total [By/s]",
        ),
        errors=("windows_net_packets_received_errors_total", "windows_net_packets_received_errors"),
        saturation=(
            "processor queue: windows_system_processor_queue_length waiting",
            "threads: windows_system_threads",
        ),
        rank=0,
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "snmp_exporter",
        ("ifHCInOctets", "ifInOctets"),
        traffic=("ifHCInOctets [By/s]", "ifInOctets [By/s]"),
        errors=("ifInErrors", "ifOutErrors", "ifInDiscards"),
        extra=("sent: ifHCOutOctets [By/s]",),
        rank=0,
        missing_signals=("latency",),
    ),
)
