select '{{ target.name }}' as target, '{{ target.schema }}' as schema, {{ target.threads }} as threads, '{{ this }}' as own, '{{ env_var('CORPUS_IN_PROFILE') }}' as profile_word
