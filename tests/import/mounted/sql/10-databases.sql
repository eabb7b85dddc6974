-- made when the server is made
CREATE DATABASE shop;
create database "spare" owner spare;
