select {{ star(source('loaded', 'people'), without=['id']) if execute else '*' }} from {{ source('loaded', 'people') }}
