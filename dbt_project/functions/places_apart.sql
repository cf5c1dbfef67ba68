-- Walks the places from the first to the last and takes the earliest candidate whose group rests long enough.
-- A group that would else not fit any more goes first; where nothing fits, the group that rested longest.
declare
    total constant integer := coalesce(cardinality(groups), 0);
    last_place integer[] := array_fill(-distance - 1, array[total]);
    waiting integer[] := array_fill(0, array[total]);
    is_taken boolean[] := array_fill(false, array[total]);
    most_waiting integer;
    groups_at_most integer;
    head integer := 1;
    chosen integer;
    order_of_places integer[] := array[]::integer[];
begin
    for candidate in 1..total loop
        waiting[groups[candidate]] := waiting[groups[candidate]] + 1;
    end loop;

    for place in 1..total loop
        while is_taken[head] loop
            head := head + 1;
        end loop;

        if most_waiting is null then
            select max(w), count(*) filter (where w = (select max(m) from unnest(waiting) as m))
            into most_waiting, groups_at_most
            from unnest(waiting) as w;
        end if;

        chosen := null;
        if most_waiting > 1 and (most_waiting - 1) * (distance + 1) + groups_at_most > total - place then
            for candidate in head..total loop
                if not is_taken[candidate]
                    and waiting[groups[candidate]] = most_waiting
                    and place - last_place[groups[candidate]] > distance
                then
                    chosen := candidate;
                    exit;
                end if;
            end loop;
        end if;
        if chosen is null then
            for candidate in head..total loop
                if not is_taken[candidate] and place - last_place[groups[candidate]] > distance then
                    chosen := candidate;
                    exit;
                end if;
            end loop;
        end if;
        if chosen is null then
            for candidate in head..total loop
                if not is_taken[candidate]
                    and (chosen is null or last_place[groups[candidate]] < last_place[groups[chosen]])
                then
                    chosen := candidate;
                end if;
            end loop;
        end if;

        is_taken[chosen] := true;
        last_place[groups[chosen]] := place;
        if waiting[groups[chosen]] = most_waiting and most_waiting > 1 then
            most_waiting := null;
        end if;
        waiting[groups[chosen]] := waiting[groups[chosen]] - 1;
        order_of_places := order_of_places || chosen;
    end loop;
    return order_of_places;
end
