select "Id" as id from {{ ref('Upper_Seed') }}
