{#
    The name of a function that brings candidates into an order in which those of one group stand more than `distance`
    places from each other, as far as that can be, and each otherwise as early as before. It takes the group of each
    candidate, in the wanted order (numbered from 1), and the distance; it returns the candidates' numbers in their
    new order. make_functions() makes it when a run starts: dbt's own functions are made by `dbt build` alone, and
    `dbt run` and `dbt test` need it, too.
#}
{% macro places_apart() -%}
    {{ return(generate_schema_name('analytics', none) ~ '.places_apart') }}
{%- endmacro %}

{# SQL that makes the function. It is written in PL/pgSQL: it walks a list, which SQL cannot do in reasonable time. #}
{% macro make_places_apart() -%}
create or replace function {{ places_apart() }} (groups integer [], distance integer)
returns integer [] language plpgsql immutable as $body$
-- Walks the places from the first to the last and takes the earliest candidate whose group rests long enough.
-- A group that would else not fit any more goes first; where nothing fits, the group that rested longest.
-- n log n: a heap of the first waiting candidate of each rested group, and the groups sorted by how many wait.
declare
    total constant integer := coalesce(cardinality(groups), 0);
    group_count constant integer := coalesce((select max(g) from unnest(groups) as g), 0);
    -- farther than all other groups is not possible, and asking for it would spoil what is
    rest constant integer := least(greatest(distance, 0), greatest(group_count - 1, 0));
    last_place integer[] := array_fill(-rest - 1, array[group_count]);
    waiting integer[] := array_fill(0, array[group_count]);
    first_waiting integer[] := array_fill(0, array[group_count]);
    next_of_group integer[] := array_fill(0, array[total]);
    is_taken boolean[] := array_fill(false, array[total]);
    -- by_waiting: groups, those with most waiting first; at_least[w]: how many of them have w waiting or more
    by_waiting integer[];
    rank_of_group integer[] := array_fill(0, array[group_count]);
    at_least integer[] := array_fill(0, array[total + 1]);
    most_waiting integer := 0;
    heap integer[] := array_fill(0, array[total + 1]);
    heap_size integer := 0;
    chosen integer;
    chosen_group integer;
    other integer;
    swapped integer;
    spot integer;
    oldest integer := 1;
    order_of_places integer[] := array_fill(0, array[total]);
begin
    for candidate in reverse total..1 loop
        chosen_group := groups[candidate];
        next_of_group[candidate] := first_waiting[chosen_group];
        first_waiting[chosen_group] := candidate;
        waiting[chosen_group] := waiting[chosen_group] + 1;
        at_least[waiting[chosen_group]] := at_least[waiting[chosen_group]] + 1;
        most_waiting := greatest(most_waiting, waiting[chosen_group]);
    end loop;
    by_waiting := array(select g from unnest(waiting) with ordinality as w (count, g) order by w.count desc, g);
    for i in 1..group_count loop
        rank_of_group[by_waiting[i]] := i;
    end loop;
    -- in ascending order an array is a heap as it stands
    for candidate in 1..total loop
        if first_waiting[groups[candidate]] = candidate then
            heap_size := heap_size + 1;
            heap[heap_size] := candidate;
        end if;
    end loop;

    for place in 1..total loop
        -- the group that stood just too near for the place before may come again
        if place - rest - 1 >= 1 then
            other := groups[order_of_places[place - rest - 1]];
            if waiting[other] > 0 and last_place[other] = place - rest - 1 then
                heap_size := heap_size + 1;
                spot := heap_size;
                while spot > 1 and heap[spot / 2] > first_waiting[other] loop
                    heap[spot] := heap[spot / 2];
                    spot := spot / 2;
                end loop;
                heap[spot] := first_waiting[other];
            end if;
        end if;

        chosen := null;
        if most_waiting > 1 and (most_waiting - 1) * (rest + 1) + at_least[most_waiting] > total - place then
            for i in 1..at_least[most_waiting] loop
                other := by_waiting[i];
                if place - last_place[other] > rest and (chosen is null or first_waiting[other] < chosen) then
                    chosen := first_waiting[other];
                end if;
            end loop;
        end if;
        while chosen is null and heap_size > 0 loop
            -- what was taken out of turn, or whose group was, is only forgotten here
            if not is_taken[heap[1]] and place - last_place[groups[heap[1]]] > rest then
                chosen := heap[1];
            end if;
            other := heap[heap_size];
            heap_size := heap_size - 1;
            spot := 1;
            while spot * 2 <= heap_size loop
                swapped := spot * 2;
                if swapped < heap_size and heap[swapped + 1] < heap[swapped] then
                    swapped := swapped + 1;
                end if;
                exit when heap[swapped] >= other;
                heap[spot] := heap[swapped];
                spot := swapped;
            end loop;
            heap[spot] := other;
        end loop;
        while chosen is null loop
            other := groups[order_of_places[oldest]];
            if waiting[other] > 0 and last_place[other] = oldest then
                chosen := first_waiting[other];
            else
                oldest := oldest + 1;
            end if;
        end loop;

        chosen_group := groups[chosen];
        order_of_places[place] := chosen;
        is_taken[chosen] := true;
        last_place[chosen_group] := place;
        first_waiting[chosen_group] := next_of_group[chosen];
        -- one waits less: the group changes places with the last of those that had as many
        spot := at_least[waiting[chosen_group]];
        other := by_waiting[spot];
        by_waiting[rank_of_group[chosen_group]] := other;
        rank_of_group[other] := rank_of_group[chosen_group];
        by_waiting[spot] := chosen_group;
        rank_of_group[chosen_group] := spot;
        at_least[waiting[chosen_group]] := spot - 1;
        waiting[chosen_group] := waiting[chosen_group] - 1;
        while most_waiting > 0 and at_least[most_waiting] = 0 loop
            most_waiting := most_waiting - 1;
        end loop;
    end loop;
    return order_of_places;
end
$body$
{%- endmacro %}
