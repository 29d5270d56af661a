select "Id" as id, "Value" as "a value" from {{ ref('Upper_Seed') }}
