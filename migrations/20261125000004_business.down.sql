DROP TABLE audit_logs;
DROP TABLE agent_interactions;
DROP TABLE api_keys;
DROP TABLE usage_metrics;
DROP TABLE subscriptions;
