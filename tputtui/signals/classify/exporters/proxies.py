"""Proxies, gateways, meshes, web servers and name servers.

Most of them have several layers that count the same request.
"""

from __future__ import annotations

from tputtui.signals.classify.exporters import ExporterEntry

ENTRIES: tuple[ExporterEntry, ...] = (
    ExporterEntry(
        "HAProxy",
        ("haproxy_frontend_*", "haproxy_backend_*"),
        traffic=(
            "haproxy_frontend_http_requests_total",
            "haproxy_backend_http_requests_total",
            "haproxy_frontend_connections_total",
            "haproxy_frontend_sessions_total",
        ),
        errors=(
            "haproxy_frontend_http_responses_total by code",
            "haproxy_backend_http_responses_total by code",
            "haproxy_backend_response_errors_total",
            "haproxy_frontend_request_errors_total",
            "haproxy_backend_connection_errors_total",
        ),
        latency=(
            "haproxy_backend_response_time_average_seconds",
            "haproxy_backend_total_time_average_seconds",
            "haproxy_backend_http_response_time_average_seconds",
        ),
        saturation=(
            "backend queue: haproxy_backend_current_queue waiting",
            "sessions: haproxy_frontend_current_sessions / haproxy_frontend_limit_sessions",
            "backend sessions: haproxy_backend_current_sessions / haproxy_backend_limit_sessions",
            "connections: haproxy_process_current_connections / haproxy_process_max_connections",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Istio",
        ("istio_requests_total",),
        traffic=("istio_requests_total",),
        errors=("istio_requests_total by response_code",),
        latency=("istio_request_duration_milliseconds", "istio_request_duration_seconds"),
        saturation=(
            "waiting for upstream: envoy_cluster_upstream_rq_pending_active waiting",
            "in flight: envoy_http_downstream_rq_active",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Linkerd",
        ("response_latency_ms", "inbound_http_requests_total", "route_response_total"),
        traffic=(
            'request_total{direction="inbound"}',
            "inbound_http_requests_total",
            "request_total",
        ),
        errors=(
            'response_total{direction="inbound"} by classification = failure',
            "response_total by classification = failure",
        ),
        latency=('response_latency_ms{direction="inbound"}', "response_latency_ms"),
        rank=3,
    ),
    ExporterEntry(
        "Envoy",
        ("envoy_http_downstream_*", "envoy_cluster_upstream_*"),
        traffic=(
            'envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix!="admin"}',
            'envoy_http_downstream_rq_completed{envoy_http_conn_manager_prefix!="admin"}',
            "envoy_cluster_upstream_rq_total",
            'envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix!="admin"}',
        ),
        errors=(
            'envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix!="admin"} by envoy_response_code_class',
            "envoy_cluster_upstream_rq_xx by envoy_response_code_class",
        ),
        latency=(
            'envoy_http_downstream_rq_time{envoy_http_conn_manager_prefix!="admin"} [ms]',
            "envoy_cluster_upstream_rq_time [ms]",
        ),
        saturation=(
            "waiting for upstream: envoy_cluster_upstream_rq_pending_active waiting",
            'in flight: envoy_http_downstream_rq_active{envoy_http_conn_manager_prefix!="admin"}',
            "upstream in flight: envoy_cluster_upstream_rq_active",
            'connections: envoy_http_downstream_cx_active{envoy_http_conn_manager_prefix!="admin"}',
        ),
        rank=3,
    ),
    ExporterEntry(
        "Traefik",
        (
            "traefik_entrypoint_requests_total",
            "traefik_service_requests_total",
            "traefik_router_requests_total",
            "traefik_backend_requests_total",
        ),
        traffic=(
            "traefik_entrypoint_requests_total",
            "traefik_service_requests_total",
            "traefik_router_requests_total",
            "traefik_backend_requests_total",
        ),
        errors=(
            "traefik_entrypoint_requests_total by code",
            "traefik_service_requests_total by code",
            "traefik_backend_requests_total by code",
        ),
        latency=(
            "traefik_entrypoint_request_duration_seconds",
            "traefik_service_request_duration_seconds",
            "traefik_router_request_duration_seconds",
            "traefik_backend_request_duration_seconds",
        ),
        saturation=(
            "open connections: traefik_entrypoint_open_connections",
            "open connections: traefik_open_connections",
        ),
        rank=3,
    ),
    ExporterEntry(
        "ingress-nginx",
        ("nginx_ingress_controller_requests", "nginx_ingress_controller_request_duration_seconds"),
        traffic=(
            "nginx_ingress_controller_requests",
            "nginx_ingress_controller_request_duration_seconds_count",
        ),
        errors=(
            "nginx_ingress_controller_requests by status",
            "nginx_ingress_controller_request_duration_seconds_count by status",
        ),
        latency=(
            "nginx_ingress_controller_request_duration_seconds",
            "nginx_ingress_controller_response_duration_seconds",
        ),
        saturation=(
            'connections: nginx_ingress_controller_nginx_process_connections{state="active"}',
        ),
        rank=3,
    ),
    ExporterEntry(
        "nginx-vts",
        ("nginx_vts_server_requests_total",),
        traffic=('nginx_vts_server_requests_total{host!="*",code!="total"}',),
        errors=('nginx_vts_server_requests_total{host!="*",code!="total"} by code',),
        latency=(
            'nginx_vts_server_request_seconds_total{host!="*"} / nginx_vts_server_requests_total',
            "nginx_vts_server_request_seconds",
        ),
        saturation=(
            'connections: nginx_vts_main_connections{status="active"}',
            'waiting connections: nginx_vts_main_connections{status="waiting"}',
        ),
        rank=3,
    ),
    ExporterEntry(
        "nginx stub status",
        ("nginx_connections_accepted", "nginx_http_requests_total"),
        traffic=("nginx_http_requests_total",),
        saturation=(
            "active connections: nginx_connections_active",
            "writing: nginx_connections_writing",
            "idle connections: nginx_connections_waiting",
        ),
        rank=3,
    ),
    ExporterEntry(
        "nginx Plus",
        ("nginxplus_http_requests_total",),
        traffic=("nginxplus_server_zone_requests", "nginxplus_http_requests_total"),
        errors=(
            "nginxplus_server_zone_responses by code = 5xx",
            "nginxplus_upstream_server_responses by code = 5xx",
        ),
        latency=("nginxplus_upstream_server_response_time [ms]",),
        saturation=(
            "in flight: nginxplus_http_requests_current",
            "connections: nginxplus_connections_active",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Kong",
        ("kong_http_requests_total", "kong_http_status", "kong_nginx_requests_total"),
        traffic=(
            "kong_http_requests_total",
            "kong_http_status",
            "kong_nginx_requests_total",
            "kong_nginx_http_current_connections",
        ),
        errors=("kong_http_requests_total by code", "kong_http_status by code"),
        latency=(
            "kong_request_latency_ms",
            "kong_latency [ms]",
            "kong_upstream_latency_ms",
            "kong_kong_latency_ms",
        ),
        saturation=(
            'connections: kong_nginx_connections_total{state="active"}',
            'connections: kong_nginx_http_current_connections{state="active"}',
        ),
        rank=3,
    ),
    ExporterEntry(
        "APISIX",
        ("apisix_http_status", "apisix_http_requests_total"),
        traffic=("apisix_http_status", "apisix_http_requests_total"),
        errors=("apisix_http_status by code",),
        latency=('apisix_http_latency{type="request"} [ms]', "apisix_http_latency [ms]"),
        saturation=('connections: apisix_nginx_http_current_connections{state="active"}',),
        rank=3,
    ),
    ExporterEntry(
        "Caddy",
        ("caddy_http_requests_total", "caddy_http_request_duration_seconds"),
        traffic=("caddy_http_requests_total", "caddy_http_request_duration_seconds_count"),
        errors=(
            "caddy_http_request_duration_seconds_count by code",
            "caddy_http_request_errors_total",
        ),
        latency=("caddy_http_request_duration_seconds",),
        saturation=("in flight: caddy_http_requests_in_flight",),
        rank=3,
    ),
    ExporterEntry(
        "Apache httpd",
        ("apache_accesses_total",),
        traffic=("apache_accesses_total",),
        latency=(
            "apache_duration_ms_total / apache_accesses_total",
            "apache_duration_total [ms] / apache_accesses_total",
        ),
        saturation=(
            'busy workers: apache_workers{state="busy"}',
            'connections: apache_connections{state="total"}',
        ),
        rank=3,
        missing_signals=("errors",),
    ),
    ExporterEntry(
        "Varnish",
        ("varnish_main_client_req", "varnish_main_sessions"),
        traffic=("varnish_main_client_req", "varnish_client_req"),
        errors=(
            "varnish_main_backend_fail",
            "varnish_main_client_req_417",
            "varnish_main_fetch_failed",
        ),
        saturation=(
            "thread queue: varnish_main_thread_queue_len waiting",
            "threads: varnish_main_threads",
        ),
        rank=3,
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "Squid",
        ("squid_client_http_requests_total",),
        traffic=("squid_client_http_requests_total",),
        errors=("squid_client_http_errors_total",),
        latency=("squid_HTTP_Requests_All_95 [s]",),
        rank=3,
    ),
    ExporterEntry(
        "CoreDNS",
        ("coredns_dns_*",),
        traffic=("coredns_dns_requests_total", "coredns_dns_request_count_total"),
        errors=(
            "coredns_dns_responses_total by rcode = SERVFAIL|REFUSED|FORMERR|NOTIMP",
            "coredns_dns_response_rcode_count_total by rcode = SERVFAIL|REFUSED|FORMERR|NOTIMP",
        ),
        latency=("coredns_dns_request_duration_seconds",),
        rank=3,
    ),
    ExporterEntry(
        "Unbound",
        ("unbound_queries_total",),
        traffic=("unbound_queries_total", "unbound_answer_rcodes_total"),
        errors=(
            "unbound_answer_rcodes_total by rcode = SERVFAIL|REFUSED",
            "unbound_request_list_exceeded_total",
        ),
        latency=("unbound_response_time_seconds", "unbound_recursion_time_seconds_avg"),
        saturation=(
            "request list: unbound_request_list_current_all waiting",
            "request list: unbound_request_list_current_user waiting",
        ),
        rank=3,
    ),
    ExporterEntry(
        "BIND",
        ("bind_incoming_queries_total", "bind_incoming_requests_total"),
        traffic=("bind_incoming_queries_total", "bind_incoming_requests_total"),
        errors=(
            "bind_responses_total by result = ServFail|servfail",
            "bind_query_errors_total",
            "bind_query_errors_total by error",
        ),
        latency=("bind_resolver_query_duration_seconds",),
        saturation=("recursive clients: bind_recursive_clients",),
        rank=3,
    ),
    ExporterEntry(
        "PowerDNS",
        (
            "pdns_auth_udp_queries",
            "pdns_recursor_questions",
            "powerdns_recursor_incoming_queries_total",
            "powerdns_authoritative_queries_total",
        ),
        traffic=(
            "pdns_recursor_questions",
            "pdns_auth_udp_queries",
            "powerdns_recursor_incoming_queries_total",
            "powerdns_authoritative_queries_total",
        ),
        errors=("pdns_recursor_servfail_answers", "pdns_auth_servfail_packets"),
        latency=(
            "pdns_recursor_qa_latency [us]",
            "pdns_auth_latency [us]",
            "powerdns_recursor_latency_average_seconds",
        ),
        saturation=(
            "concurrent queries: pdns_recursor_concurrent_queries",
            "queue: pdns_auth_qsize_q waiting",
        ),
        rank=3,
    ),
    ExporterEntry(
        "dnsmasq",
        ("dnsmasq_hits", "dnsmasq_misses"),
        traffic=("dnsmasq_hits",),
        errors=("dnsmasq_servers_queries_failed",),
        rank=3,
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "blackbox_exporter",
        ("probe_success",),
        latency=("probe_duration_seconds",),
        rank=3,
        missing_signals=("traffic", "errors"),  # probe_success is a state, not a count
    ),
    ExporterEntry(
        "dovecot",
        ("dovecot_*",),
        traffic=(
            "dovecot_imap_command_total",
            "dovecot_mail_delivery_count",
            "dovecot_mail_delivery_total",
            "dovecot_auth_success_total",
        ),
        errors=("dovecot_imap_command_total by tagged_reply_state = BAD|NO",),
        latency=(
            "dovecot_imap_command_duration_seconds_total / dovecot_imap_command_total",
            "dovecot_mail_delivery",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Postfix",
        ("postfix_cleanup_messages_processed_total", "postfix_smtpd_connects_total"),
        traffic=(
            "postfix_cleanup_messages_processed_total [msg/s]",
            "postfix_smtpd_connects_total",
        ),
        errors=("postfix_smtpd_messages_rejected_total", "postfix_cleanup_messages_rejected_total"),
        latency=("postfix_smtp_delivery_delay_seconds", "postfix_lmtp_delivery_delay_seconds"),
        saturation=("queue: postfix_showq_message_age_seconds_count waiting",),
        rank=3,
    ),
)
