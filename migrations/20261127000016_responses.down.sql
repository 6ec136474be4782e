DROP TABLE api_responses;
