DROP TABLE keycloak_events;
