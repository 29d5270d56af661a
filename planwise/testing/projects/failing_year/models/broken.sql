select {{ checked('y') }} as word from {{ ref('good') }}
