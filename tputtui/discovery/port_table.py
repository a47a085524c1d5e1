"""Ports and process names that suggest metrics, and those where a stray HTTP request does harm.

From the Prometheus wiki's "Default port allocations" and the defaults of well-known applications.
Several programs share a port number, so a port is a hint and never an identity.
"""

from __future__ import annotations

import re

EXPORTER_PORTS: dict[int, str] = {
    9090: "Prometheus",
    9091: "pushgateway",
    9093: "alertmanager",
    9100: "node_exporter",
    9101: "haproxy_exporter",
    9102: "statsd_exporter",
    9103: "collectd",
    9104: "mysqld_exporter",
    9105: "mesos_exporter",
    9106: "cloudwatch_exporter",
    9107: "consul_exporter",
    9108: "graphite_exporter",
    9110: "blackbox_exporter",
    9113: "nginx exporter",
    9114: "elasticsearch_exporter",
    9115: "blackbox_exporter",
    9117: "apache_exporter",
    9118: "jenkins exporter",
    9119: "bind_exporter",
    9120: "powerdns_exporter",
    9121: "redis_exporter",
    9122: "influxdb_exporter",
    9127: "pgbouncer_exporter",
    9131: "varnish_exporter",
    9134: "zfs_exporter",
    9141: "zookeeper_exporter",
    9150: "memcached_exporter",
    9153: "coredns",
    9154: "postfix_exporter",
    9161: "oracledb_exporter",
    9165: "keepalived_exporter",
    9166: "dovecot_exporter",
    9167: "unbound_exporter",
    9168: "gitlab exporter",
    9177: "libvirt_exporter",
    9180: "scylladb",
    9187: "postgres_exporter",
    9198: "logstash_exporter",
    9205: "nextcloud exporter",
    9216: "mongodb_exporter",
    9219: "ssl_exporter",
    9221: "proxmox exporter",
    9237: "sql_exporter",
    9252: "gitlab_runner",
    9253: "php-fpm_exporter",
    9256: "process-exporter",
    9283: "ceph-mgr",
    9304: "logstash_exporter",
    9308: "kafka_exporter",
    9323: "docker",
    9341: "slurm exporter",
    9342: "frr_exporter",
    9374: "smokeping_prober",
    9376: "falco exporter",
    9379: "etcd exporter",
    9394: "prometheus_exporter (ruby)",
    9399: "sql_exporter",
    9400: "dcgm-exporter",
    9404: "jmx_exporter",
    9419: "rabbitmq_exporter",
    9427: "ping_exporter",
    9445: "nvidia exporter",
    9464: "OpenTelemetry SDK",
    9537: "cri-o",
    9547: "patroni exporter",
    9558: "systemd_exporter",
    9586: "wireguard exporter",
    9633: "smartctl_exporter",
    9835: "nvidia exporter",
    9901: "envoy admin",
    9913: "nginx_vts exporter",
}
"""Ports of exporters and of admin endpoints."""

APPLICATION_PORTS: dict[int, str] = {
    2019: "caddy",
    2112: "Go application",
    2379: "etcd",
    2381: "etcd",
    3000: "grafana",
    3100: "loki",
    6060: "Go application",
    8000: "Python application",
    8002: "Triton",
    8080: "application",
    8404: "haproxy",
    8428: "VictoriaMetrics",
    8429: "vmagent",
    8481: "VictoriaMetrics cluster",
    8482: "VictoriaMetrics cluster",
    9363: "ClickHouse",
    10249: "kube-proxy",
    10257: "kube-controller-manager",
    10259: "kube-scheduler",
    12345: "alloy",
    15020: "istio",
    15090: "istio",
    15692: "RabbitMQ",
    19999: "netdata",
    24231: "fluentd",
    30000: "SGLang",
    42004: "ProxySQL",
}
"""Ports on which applications usually serve their metrics."""

KNOWN_PORTS = EXPORTER_PORTS | APPLICATION_PORTS

DENIED_PORTS: dict[int, str] = {
    22: "SSH",
    25: "SMTP",
    53: "DNS",
    111: "the port mapper",
    139: "SMB",
    445: "SMB",
    631: "printing",
    1433: "SQL Server",
    1521: "Oracle",
    2181: "ZooKeeper",
    3306: "MySQL",
    3389: "RDP",
    5005: "a Java debugger",
    5432: "PostgreSQL",
    5671: "AMQP",
    5672: "AMQP",
    5678: "a Python debugger",
    5900: "VNC",
    6379: "Redis",
    6432: "pgbouncer",
    6443: "the Kubernetes API",
    9042: "Cassandra",
    9092: "Kafka",
    9200: "Elasticsearch",
    9229: "a node debugger",
    9300: "Elasticsearch",
    11211: "memcached",
    26379: "Redis sentinel",
    27017: "MongoDB",
}
"""Ports that are never probed: their servers log an attack, or count a failed handshake, or act."""

DENIED_NAMES = re.compile(
    r"redis-(server|sentinel|ser)|valkey-server|postgres|postmaster|mysqld|mariadbd?|mongod|mongos|"
    r"sshd|docker-proxy|containerd.*|cupsd|chrome|chromium|firefox|code|Xorg|Xvnc|memcached|master|"
    r"exim4?|smtpd|dovecot|named|systemd-resolve|rpcbind|rpc\..*|smbd|php-fpm.*|epmd|pgbouncer|ssh|"
    r"slapd"
)
"""Whole names of processes that are never probed; docker-proxy, because what is behind it is
unknown.
"""

SUGGESTING_NAMES = re.compile(
    r".*exporter.*|.*prometheus.*|python[\d.]*t?|pypy3?.*|gunicorn.*|uvicorn|hypercorn|granian|"
    r"daphne|uwsgi.*|celery|flower|node|nodejs|node-MainThread|bun|deno|java|ruby|puma.*|dotnet|"
    r"beam\.smp|envoy|caddy|traefik|haproxy|grafana.*|loki|mimir|tempo|alertmanager|pushgateway|"
    r"victoria.*|vm(agent|alert|storage|select|insert)|coredns|minio|otelcol.*|telegraf|vector|"
    r"netdata|alloy|vllm.*|tritonserver|tputtui.*|uv"
)
"""Whole names of processes that suggest metrics: exporters, and runtimes of applications."""

EXTRA_PATHS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"envoy|istio.*|pilot-agent"), ("/stats/prometheus",)),
    (re.compile(r"java"), ("/actuator/prometheus", "/q/metrics", "/metrics/prometheus")),
    (re.compile(r"minio"), ("/minio/v2/metrics/cluster",)),
    (re.compile(r"netdata"), ("/api/v1/allmetrics?format=prometheus",)),
)
"""Paths worth a second request, by the name of the process."""

EXTRA_PATHS_BY_PORT: dict[int, tuple[str, ...]] = {
    9901: ("/stats/prometheus",),
    15020: ("/stats/prometheus",),
    15090: ("/stats/prometheus",),
    19999: ("/api/v1/allmetrics?format=prometheus",),
}
"""Paths worth a second request, by the port, if the process is unknown or suggests none."""
