select word || '!' as word from {{ ref('low') }}
