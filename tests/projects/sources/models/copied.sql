select * from {{ source('loaded', 'people') }}
