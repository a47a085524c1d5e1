"""Message brokers, streams and task schedulers."""

from __future__ import annotations

from tputtui.signals.classify.exporters import ExporterEntry

ENTRIES: tuple[ExporterEntry, ...] = (
    ExporterEntry(
        "RabbitMQ",
        ("rabbitmq_global_messages_*", "rabbitmq_channel_messages_*", "rabbitmq_queue_messages*"),
        traffic=(
            "rabbitmq_global_messages_received_total [msg/s]",
            "rabbitmq_channel_messages_published_total [msg/s]",
            "rabbitmq_queue_messages_published_total [msg/s]",
            "rabbitmq_global_messages_delivered_total [msg/s]",
        ),
        errors=(
            "rabbitmq_global_messages_unroutable_dropped_total",
            "rabbitmq_channel_messages_unroutable_dropped_total",
            "rabbitmq_channel_messages_redelivered_total",
        ),
        saturation=(
            "messages ready: rabbitmq_queue_messages_ready waiting",
            "messages unacked: rabbitmq_queue_messages_unacked",
            "memory: rabbitmq_process_resident_memory_bytes / rabbitmq_resident_memory_limit_bytes",
            "file descriptors: rabbitmq_process_open_fds / rabbitmq_process_max_fds",
            "connections: rabbitmq_connections",
        ),
        extra=("delivered: rabbitmq_global_messages_delivered_total [msg/s]",),
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "Kafka (JMX)",
        ("kafka_server_brokertopicmetrics_*", "kafka_network_requestmetrics_*"),
        traffic=(
            "kafka_server_brokertopicmetrics_messagesin_total [msg/s]",
            "kafka_server_brokertopicmetrics_messagesinpersec_count [msg/s]",
            'kafka_server_brokertopicmetrics_count{name="MessagesInPerSec"} [msg/s]',
            "kafka_server_brokertopicmetrics_messagesinpersec_total [msg/s]",
            "kafka_server_brokertopicmetrics_bytesin_total [By/s]",
        ),
        errors=(
            "kafka_server_brokertopicmetrics_failedproducerequests_total",
            "kafka_server_brokertopicmetrics_failedproducerequestspersec_count",
            "kafka_server_brokertopicmetrics_failedfetchrequests_total",
            "kafka_network_requestmetrics_errors_total by error",
        ),
        latency=(
            'kafka_network_requestmetrics_totaltimems{request="Produce"} [ms]',
            "kafka_network_requestmetrics_totaltimems [ms]",
            "kafka_network_requestmetrics_totaltimems_99thpercentile [ms]",
            "kafka_network_requestmetrics_totaltime_99thpercentile [ms]",
        ),
        saturation=(
            "request queue: kafka_network_requestchannel_requestqueuesize waiting",
            "under-replicated partitions: kafka_server_replicamanager_underreplicatedpartitions",
            "request handlers idle: kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent [ratio]",
        ),
        extra=("bytes in: kafka_server_brokertopicmetrics_bytesin_total [By/s]",),
    ),
    ExporterEntry(
        "kafka_exporter",
        ("kafka_topic_partition_current_offset", "kafka_consumergroup_current_offset"),
        traffic=("kafka_topic_partition_current_offset [msg/s]",),
        saturation=(
            "consumer lag: kafka_consumergroup_lag_sum waiting",
            "consumer lag: kafka_consumergroup_lag waiting",
        ),
        missing_signals=("latency", "errors"),
    ),
    ExporterEntry(
        "Redpanda",
        ("redpanda_kafka_request_bytes_total", "vectorized_kafka_rpc_requests_completed"),
        traffic=(
            "redpanda_kafka_request_bytes_total [By/s]",
            "vectorized_kafka_rpc_requests_completed",
            "redpanda_kafka_request_latency_seconds_count",
        ),
        errors=("redpanda_rpc_request_errors_total", "vectorized_kafka_rpc_service_errors"),
        latency=(
            "redpanda_kafka_request_latency_seconds",
            "vectorized_kafka_latency_produce_latency_us",
        ),
        saturation=(
            "under-replicated: redpanda_kafka_under_replicated_replicas",
            "connections: redpanda_rpc_active_connections",
        ),
    ),
    ExporterEntry(
        "Pulsar",
        ("pulsar_rate_in", "pulsar_msg_backlog", "pulsar_broker_*"),
        traffic=("pulsar_rate_in [msg/s]", "pulsar_in_messages_total [msg/s]"),
        errors=("pulsar_broker_http_requests_failed", "pulsar_broker_topic_load_failed"),
        latency=("pulsar_broker_publish_latency [ms]", "pulsar_storage_write_latency [ms]"),
        saturation=(
            "backlog: pulsar_msg_backlog waiting",
            "subscriptions: pulsar_subscriptions_count",
        ),
        missing_signals=("errors",),
    ),
    ExporterEntry(
        "NATS",
        ("gnatsd_varz_in_msgs", "nats_varz_in_msgs", "nats_core_in_msgs"),
        traffic=(
            "gnatsd_varz_in_msgs [msg/s]",
            "nats_varz_in_msgs [msg/s]",
            "nats_core_in_msgs [msg/s]",
        ),
        errors=(
            "gnatsd_varz_slow_consumers",
            "nats_varz_slow_consumers",
            "nats_core_slow_consumer_count",
        ),
        saturation=(
            "pending bytes: gnatsd_connz_pending_bytes waiting",
            "connections: gnatsd_varz_connections / gnatsd_varz_max_connections",
            "connections: nats_varz_connections / nats_varz_max_connections",
        ),
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "ActiveMQ Artemis",
        ("artemis_messages_added", "artemis_message_count"),
        traffic=(
            "artemis_messages_added [msg/s]",
            "artemis_messages_acknowledged [msg/s]",
            "artemis_routed_message_count [msg/s]",
        ),
        errors=("artemis_messages_killed", "artemis_messages_expired"),
        saturation=(
            "messages: artemis_message_count waiting",
            "delivering: artemis_delivering_message_count",
            "memory: artemis_address_memory_usage",
        ),
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "ActiveMQ",
        ("org_apache_activemq_Broker_TotalEnqueueCount", "activemq_enqueue_count"),
        traffic=(
            "org_apache_activemq_Broker_TotalEnqueueCount [msg/s]",
            "activemq_enqueue_count [msg/s]",
        ),
        errors=("org_apache_activemq_Broker_ExpiredCount",),
        saturation=("messages: org_apache_activemq_Broker_TotalMessageCount waiting",),
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "Mosquitto",
        ("broker_messages_received", "mosquitto_messages_received"),
        traffic=("broker_messages_received [msg/s]", "mosquitto_messages_received [msg/s]"),
        errors=("broker_publish_messages_dropped", "mosquitto_publish_messages_dropped"),
        saturation=("clients: broker_clients_connected", "clients: mosquitto_clients_connected"),
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "EMQX, VerneMQ",
        ("emqx_messages_received", "mqtt_publish_received"),
        traffic=("emqx_messages_received [msg/s]", "mqtt_publish_received [msg/s]"),
        errors=("emqx_messages_dropped", "queue_message_drop"),
        saturation=("connections: emqx_connections_count / emqx_connections_max",),
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "NSQ",
        ("nsqd_topic_message_count", "nsq_topic_message_count"),
        traffic=("nsqd_topic_message_count [msg/s]", "nsq_topic_message_count [msg/s]"),
        errors=("nsqd_channel_timeout_count", "nsq_channel_timeout_count"),
        saturation=(
            "depth: nsqd_topic_depth waiting",
            "depth: nsq_topic_depth waiting",
            "in flight: nsq_channel_in_flight_count",
        ),
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "Temporal",
        ("service_requests", "temporal_request"),
        traffic=("service_requests", "temporal_request"),
        errors=("service_errors", "temporal_request_failure", "service_error_with_type"),
        latency=("service_latency [s]", "temporal_request_latency [s]"),
        rank=3,
    ),
    ExporterEntry(
        "Airflow",
        ("airflow_scheduler_heartbeat", "airflow_ti_successes", "airflow_dagrun_duration_success"),
        traffic=("airflow_ti_successes", "airflow_ti_finish"),
        errors=("airflow_ti_failures",),
        latency=("airflow_dagrun_duration_success", "airflow_dag_task_duration"),
        saturation=(
            "queued tasks: airflow_executor_queued_tasks waiting",
            "slots: airflow_pool_running_slots",
            "running tasks: airflow_executor_running_tasks",
        ),
    ),
    ExporterEntry(
        "Dask scheduler",
        ("dask_scheduler_*",),
        traffic=(
            'dask_scheduler_prefix_state_totals_total{state="memory"}',
            "dask_scheduler_tasks_forgotten_total",
        ),
        errors=(
            'dask_scheduler_prefix_state_totals_total{state=~"memory|erred"} by state = erred',
            "dask_scheduler_tasks_suspicious_total",
        ),
        saturation=(
            'queued tasks: dask_scheduler_tasks{state="queued"} waiting',
            'processing tasks: dask_scheduler_tasks{state="processing"}',
            "event loop lag: dask_scheduler_tick_duration_maximum_seconds",
            'saturated workers: dask_scheduler_workers{state="saturated"}',
        ),
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "Dask worker",
        ("dask_worker_*",),
        traffic=(
            "dask_worker_transfer_incoming_count_total",
            "dask_worker_transfer_outgoing_count_total",
        ),
        latency=("dask_worker_latency_seconds",),
        saturation=(
            'executing tasks: dask_worker_tasks{state="executing"} / dask_worker_threads',
            "event loop lag: dask_worker_tick_duration_maximum_seconds",
            "incoming transfers: dask_worker_transfer_incoming_count",
            "memory: dask_worker_memory_bytes",
        ),
        missing_signals=("errors",),
    ),
    ExporterEntry(
        "Flink",
        ("flink_taskmanager_job_task_numRecordsIn", "flink_jobmanager_job_uptime"),
        traffic=(
            "flink_taskmanager_job_task_numRecordsIn [msg/s]",
            "flink_taskmanager_job_task_operator_numRecordsIn [msg/s]",
        ),
        errors=("flink_jobmanager_job_numRestarts", "flink_jobmanager_job_fullRestarts"),
        latency=(
            "flink_taskmanager_job_latency_source_id_operator_id_operator_subtask_index_latency [ms]",
        ),
        saturation=(
            "backpressure: flink_taskmanager_job_task_backPressuredTimeMsPerSecond",
            "input queue: flink_taskmanager_job_task_buffers_inPoolUsage [ratio]",
        ),
    ),
    ExporterEntry(
        "Logstash",
        (
            "logstash_node_pipeline_events_out_total",
            "logstash_stats_pipeline_events_out",
            "logstash_events_out",
        ),
        traffic=(
            "logstash_node_pipeline_events_out_total [msg/s]",
            "logstash_stats_pipeline_events_out [msg/s]",
            "logstash_events_out [msg/s]",
        ),
        errors=("logstash_node_pipeline_dead_letter_queue_events_total",),
        latency=(
            "logstash_node_pipeline_duration_seconds_total / logstash_node_pipeline_events_out_total",
        ),
        saturation=("queue: logstash_node_pipeline_queue_events waiting",),
    ),
    ExporterEntry(
        "Fluentd, Fluent Bit",
        (
            "fluentd_output_status_emit_records",
            "fluentbit_output_proc_records_total",
            "fluentd_input_status_num_records_total",
        ),
        traffic=(
            "fluentbit_output_proc_records_total [msg/s]",
            "fluentd_output_status_emit_records [msg/s]",
            "fluentd_input_status_num_records_total [msg/s]",
        ),
        errors=(
            "fluentbit_output_errors_total",
            "fluentbit_output_retries_failed_total",
            "fluentd_output_status_num_errors",
        ),
        saturation=(
            "buffer queue: fluentd_output_status_buffer_queue_length waiting",
            "buffer: fluentd_output_status_buffer_total_bytes",
        ),
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "Vector",
        ("vector_component_sent_events_total", "vector_component_received_events_total"),
        traffic=(
            "vector_component_sent_events_total [msg/s]",
            "vector_component_received_events_total [msg/s]",
        ),
        errors=("vector_component_errors_total", "vector_component_discarded_events_total"),
        saturation=(
            "buffered events: vector_buffer_events waiting",
            "utilization: vector_utilization [ratio]",
        ),
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "OpenTelemetry Collector",
        (
            "otelcol_receiver_accepted_spans*",
            "otelcol_exporter_sent_spans*",
            "otelcol_receiver_accepted_metric_points*",
            "otelcol_process_uptime*",
        ),
        traffic=(
            "otelcol_receiver_accepted_spans",
            "otelcol_receiver_accepted_spans_total",
            "otelcol_receiver_accepted_metric_points",
            "otelcol_receiver_accepted_metric_points_total",
            "otelcol_receiver_accepted_log_records",
            "otelcol_receiver_accepted_log_records_total",
            "otelcol_exporter_sent_spans",
            "otelcol_exporter_sent_metric_points",
        ),
        errors=(
            "otelcol_receiver_refused_spans",
            "otelcol_receiver_refused_spans_total",
            "otelcol_receiver_refused_metric_points",
            "otelcol_receiver_refused_metric_points_total",
            "otelcol_exporter_send_failed_spans",
        ),
        saturation=(
            "export queue: otelcol_exporter_queue_size / otelcol_exporter_queue_capacity waiting",
        ),
        missing_signals=("latency",),
    ),
)
