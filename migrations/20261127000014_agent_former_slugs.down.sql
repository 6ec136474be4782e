DROP TABLE agent_former_slugs;
