{# Registers every source as a view over exactly the files that the run's input manifest names: never a
   glob, so that a file that arrives meanwhile changes nothing. What the shop lacks is a typed empty select. #}
{% macro register_sources() %}
    {% if execute and flags.WHICH in ('build', 'run', 'test') %}
        {% set files = manifest_files() %}
        {% for node in graph.sources.values() | sort(attribute='unique_id') %}
            {% do run_query('create schema if not exists ' ~ node.schema) %}
            {% set paths = files.get(node.source_name ~ '.' ~ node.name, []) %}
            {% do run_query('create or replace view ' ~ node.schema ~ '.' ~ node.identifier ~ ' as ' ~ source_select(node, paths)) %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{# {source: [paths]} from the manifest; empty without one. #}
{% macro manifest_files() %}
    {% set files = {} %}
    {% if var('input_manifest') %}
        {% set rows = run_query("select source, path from " ~ manifest_relation() ~ " order by source, path") %}
        {% for row in rows %}
            {% do files.setdefault(row[0], []).append(row[1]) %}
        {% endfor %}
    {% endif %}
    {{ return(files) }}
{% endmacro %}

{% macro manifest_relation() %}
    {{ return(adapter.dispatch('manifest_relation')()) }}
{% endmacro %}

{% macro duckdb__manifest_relation() %}
    {{ return("(select entry.key as source, unnest(entry.value) as path from (select unnest(map_entries(cast(files as map(varchar, varchar[])))) as entry from read_json('" ~ var('input_manifest') ~ "', columns = {files: 'json'})))") }}
{% endmacro %}

{% macro spark__manifest_relation() %}
    {% set content = "(select from_json(concat_ws('', collect_list(value)), 'files map<string, array<string>>').files as files from text.`" ~ var('input_manifest') ~ "`)" %}
    {{ return("(select source, explode(paths) as path from (select explode(files) as (source, paths) from " ~ content ~ "))") }}
{% endmacro %}

{# A select over the files, or a typed empty one; columns in the order of the contract. #}
{% macro source_select(node, paths) %}
    {% set columns = [] %}
    {% for column in node.columns.values() %}
        {% do columns.append([column.name, column.data_type]) %}
    {% endfor %}
    {% for name, data_type in node.get('source_meta', {}).get('system_columns', {}).items() %}
        {% do columns.append([name, data_type]) %}
    {% endfor %}
    {% set selected = [] %}
    {% for name, data_type in columns %}
        {% do selected.append('cast(' ~ (name if paths else 'null') ~ ' as ' ~ engine_type(data_type) ~ ') as ' ~ name) %}
    {% endfor %}
    {% set source = scan(paths) if paths else '(select 1 as nothing) as nothing where false' %}
    {{ return('select ' ~ selected | join(', ') ~ ' from ' ~ source) }}
{% endmacro %}

{% macro scan(paths) %}
    {{ return(adapter.dispatch('scan')(paths)) }}
{% endmacro %}

{% macro duckdb__scan(paths) %}
    {% set reader = 'read_csv' if paths[0].endswith('.csv') else 'read_parquet' %}
    {{ return(reader ~ "(['" ~ paths | join("', '") ~ "'])") }}
{% endmacro %}

{% macro spark__scan(paths) %}
    {{ return('(select * from parquet.`' ~ paths | join('` union all select * from parquet.`') ~ '`)') }}
{% endmacro %}
