#!/bin/sh
psql -v ON_ERROR_STOP=1 <<SQL
	CREATE DATABASE orders;
SQL
