DROP TABLE model_drains;
DROP TABLE models;
