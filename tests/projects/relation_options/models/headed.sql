{{ config(sql_header=header()) }}
select getvariable('header_value') as header_value
