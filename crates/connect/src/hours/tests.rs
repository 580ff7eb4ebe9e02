use super::*;
use crate::bench::{ABSENT, Bench, NOW, text};
use crate::error::ErrorCode;
use serde_json::{Value, json};
use tympan_flow::ResourceRef;
use tympan_types::WallTime;

/// A moment, as `2026-03-29T00:59:00Z`.
fn at(text: &str) -> WallTime {
    let at: jiff::Timestamp = text.parse().unwrap();
    WallTime::from_unix_ms(at.as_millisecond())
}

fn slice(day: Day, start: (u32, u32), end: (u32, u32)) -> TimeSlice {
    let time = |(hours, minutes)| TimeOfDay { hours, minutes };
    TimeSlice { day, start_time: time(start), end_time: time(end) }
}

fn hours(zone: &str, config: Vec<TimeSlice>) -> HoursOfOperation {
    let time_zone = TimeZone::parse(zone).unwrap();
    HoursOfOperation { time_zone, config, overrides: Vec::new(), parents: Vec::new() }
}

#[test]
fn it_opens_with_the_first_minute_and_is_closed_from_the_last() {
    let office =
        hours("UTC", vec![slice(Day::Friday, (9, 0), (12, 0)), slice(Day::Friday, (13, 0), (17, 30))]);
    for (time, is_open) in [
        ("08:59:59", false),
        ("09:00:00", true),
        ("11:59:59", true),
        ("12:00:00", false),
        ("13:00:00", true),
        ("17:29:59", true),
        ("17:30:00", false),
    ] {
        assert_eq!(office.is_open(at(&format!("2026-11-27T{time}Z"))), is_open, "{time}");
    }
    assert!(!office.is_open(at("2026-11-28T10:00:00Z")), "Saturday");
}

#[test]
fn an_end_that_is_not_after_the_start_is_on_the_next_day() {
    let night = hours("UTC", vec![slice(Day::Saturday, (22, 0), (6, 0)), slice(Day::Monday, (8, 0), (0, 0))]);
    assert!(night.is_open(at("2026-11-28T22:00:00Z")) && night.is_open(at("2026-11-29T05:59:00Z")));
    assert!(!night.is_open(at("2026-11-29T06:00:00Z")) && !night.is_open(at("2026-11-28T05:00:00Z")));
    assert!(night.is_open(at("2026-11-30T23:59:59Z")) && !night.is_open(at("2026-12-01T00:00:00Z")));
    assert!(HoursOfOperation::always(TimeZone::utc()).is_open(NOW));
}

#[test]
fn the_clock_is_that_of_the_zone_with_its_daylight_saving() {
    // In London clocks went from 01:00 to 02:00 on 2026-03-29.
    let london = hours("Europe/London", vec![slice(Day::Sunday, (2, 0), (3, 0))]);
    assert!(!london.is_open(at("2026-03-29T00:59:59Z")) && london.is_open(at("2026-03-29T01:00:00Z")));
    assert!(london.is_open(at("2026-03-22T02:00:00Z")) && !london.is_open(at("2026-03-29T02:00:00Z")));
    let eastern = hours("EST5EDT", vec![slice(Day::Wednesday, (9, 0), (17, 0))]);
    assert!(eastern.is_open(at("2026-07-01T13:00:00Z")) && !eastern.is_open(at("2026-01-07T13:00:00Z")));
    // Across the date line it is a day on.
    let apia = hours("Pacific/Apia", vec![slice(Day::Monday, (0, 0), (0, 0))]);
    assert!(apia.is_open(at("2026-11-29T11:00:00Z")) && !apia.is_open(at("2026-11-30T11:00:00Z")));
}

#[test]
fn a_zone_is_written_as_in_the_database() {
    for bad in ["", "europe/london", "Mars/Olympus", "+01:00", "UTC "] {
        assert!(TimeZone::parse(bad).is_err(), "{bad}");
    }
    assert!(
        ["UTC", "America/New_York", "EST5EDT", "Etc/GMT+5"].iter().all(|name| TimeZone::parse(name).is_ok())
    );
}

struct Office {
    bench: Bench,
    instance: String,
    id: String,
}

impl Office {
    fn new() -> Self {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let answer = bench.call("PUT", &format!("/hours-of-operations/{instance}"), body("Office")).unwrap();
        let id = text(&answer["HoursOfOperationId"]);
        let arn = format!("arn:aws:connect:us-west-2:111122223333:instance/{instance}/operating-hours/{id}");
        assert_eq!(answer["HoursOfOperationArn"], arn);
        Self { bench, instance, id }
    }

    fn path(&self) -> String {
        format!("/hours-of-operations/{}/{}", self.instance, self.id)
    }

    fn is_open(&self, time: &str) -> bool {
        self.bench
            .service
            .are_open(self.instance.parse().unwrap(), &ResourceRef::of(&self.id), at(time))
            .unwrap()
    }

    fn add(&self, body: Value) -> String {
        let answer = self.bench.call("PUT", &format!("{}/overrides", self.path()), body).unwrap();
        text(&answer["HoursOfOperationOverrideId"])
    }
}

fn body(name: &str) -> Value {
    json!({ "Name": name, "Description": "", "TimeZone": "UTC", "Config": [
        { "Day": "FRIDAY", "StartTime": { "Hours": 9, "Minutes": 0 }, "EndTime": { "Hours": 17, "Minutes": 0 } },
    ] })
}

#[test]
fn hours_are_created_shown_changed_and_deleted() {
    let Office { bench, instance, id } = &Office::new();
    let path = format!("/hours-of-operations/{instance}/{id}");
    let shown = |bench: &Bench| bench.call("GET", &path, Value::Null).unwrap()["HoursOfOperation"].clone();
    let first = shown(&bench.reopened());
    assert_eq!((&first["Name"], &first["TimeZone"]), (&json!("Office"), &json!("UTC")));
    assert_eq!(first["Config"], body("Office")["Config"]);
    assert_eq!(first.get("Description"), None, "an empty one is none");
    assert_eq!(
        (&first["LastModifiedTime"], &first["LastModifiedRegion"]),
        (&json!(1_563_000_000.123), &json!("us-west-2"))
    );
    let change = json!({ "Name": "Shop", "Description": "d", "TimeZone": "Asia/Tokyo" });
    assert_eq!(bench.call("POST", &path, change).unwrap(), Value::Null);
    let second = shown(bench);
    assert_eq!(
        (&second["Name"], &second["TimeZone"], &second["Config"]),
        (&json!("Shop"), &json!("Asia/Tokyo"), &first["Config"])
    );
    let list = bench.call("GET", &format!("/hours-of-operations-summary/{instance}"), Value::Null).unwrap();
    assert_eq!(list["HoursOfOperationSummaryList"][0]["Name"], "Shop");
    assert_eq!(bench.call("DELETE", &path, Value::Null).unwrap(), Value::Null);
    assert_eq!(bench.reopened().refusal("GET", &path, Value::Null), ErrorCode::ResourceNotFound);
}

#[test]
fn bad_hours_are_refused_by_the_codes_of_the_model() {
    let Office { bench, instance, id } = &Office::new();
    let target = format!("/hours-of-operations/{instance}");
    let with = |member: &str, value: Value| {
        let mut body = body("other");
        body[member] = value;
        bench.refusal("PUT", &target, body)
    };
    assert_eq!(with("Name", json!("Office")), ErrorCode::DuplicateResource);
    assert_eq!(with("Name", json!(" ")), ErrorCode::InvalidParameter);
    assert_eq!(with("Name", json!("x".repeat(128))), ErrorCode::InvalidParameter);
    assert_eq!(with("Name", Value::Null), ErrorCode::InvalidRequest);
    assert_eq!(with("Description", json!("x".repeat(251))), ErrorCode::InvalidParameter);
    assert_eq!(with("TimeZone", json!("CET or so")), ErrorCode::InvalidParameter);
    assert_eq!(with("Config", json!([{ "Day": "FUNDAY" }])), ErrorCode::InvalidRequest);
    let late = json!([{ "Day": "MONDAY", "StartTime": { "Hours": 24, "Minutes": 0 }, "EndTime": { "Hours": 0, "Minutes": 0 } }]);
    assert_eq!(with("Config", late), ErrorCode::InvalidParameter);
    assert_eq!(
        with("ParentHoursOfOperationConfigs", json!([{ "HoursOfOperationId": ABSENT }])),
        ErrorCode::ResourceNotFound
    );
    for path in
        [format!("{target}/{ABSENT}"), format!("/hours-of-operations/{ABSENT}/{id}"), format!("{target}/x")]
    {
        for method in ["GET", "DELETE"] {
            assert_eq!(bench.refusal(method, &path, Value::Null), ErrorCode::ResourceNotFound, "{path}");
        }
        assert_eq!(bench.refusal("POST", &path, json!({})), ErrorCode::ResourceNotFound, "{path}");
    }
    let full = Bench::with(|options| options.limits.resources_per_instance = 0);
    let target = format!("/hours-of-operations/{}", full.instance("demo"));
    assert_eq!(full.refusal("PUT", &target, body("a")), ErrorCode::LimitExceeded);
}

#[test]
fn an_override_stands_for_the_week_on_its_dates_and_leaves_when_it_is_deleted() {
    let office = Office::new();
    let day = |hours| json!({ "Hours": hours, "Minutes": 0 });
    let holiday = json!({ "Name": "Half a day", "EffectiveFrom": "2026-12-25", "EffectiveTill": "2026-12-25",
        "Config": [{ "Day": "FRIDAY", "StartTime": day(10), "EndTime": day(12) }] });
    let id = office.add(holiday.clone());
    assert!(!office.is_open("2026-12-25T09:30:00Z") && office.is_open("2026-12-25T11:00:00Z"));
    assert!(office.is_open("2026-12-18T09:30:00Z"));
    let overrides = format!("{}/overrides", office.path());
    assert_eq!(office.bench.refusal("PUT", &overrides, holiday), ErrorCode::DuplicateResource);
    let path = format!("{overrides}/{id}");
    office.bench.call("POST", &path, json!({ "Config": [], "Name": "Closed" })).unwrap();
    assert!(!office.is_open("2026-12-25T11:00:00Z"));
    let shown = office.bench.reopened().call("GET", &path, Value::Null).unwrap();
    assert_eq!(shown["HoursOfOperationOverride"]["OverrideType"], "STANDARD");
    let list = office.bench.call("GET", &overrides, Value::Null).unwrap();
    assert_eq!(list["HoursOfOperationOverrideList"][0]["Name"], "Closed");
    office.bench.call("DELETE", &path, Value::Null).unwrap();
    assert!(office.is_open("2026-12-25T09:30:00Z"));
    assert_eq!(office.bench.refusal("GET", &path, Value::Null), ErrorCode::ResourceNotFound);
}

#[test]
fn open_and_closed_overrides_add_to_the_week_and_take_from_it() {
    let office = Office::new();
    let day = |hours| json!({ "Hours": hours, "Minutes": 0 });
    office.add(json!({ "Name": "late", "EffectiveFrom": "2026-12-01", "EffectiveTill": "2026-12-31", "OverrideType": "OPEN",
        "Config": [{ "Day": "FRIDAY", "StartTime": day(17), "EndTime": day(20) }] }));
    office.add(json!({ "Name": "meeting", "EffectiveFrom": "2026-12-01", "EffectiveTill": "2026-12-31", "OverrideType": "CLOSED",
        "Config": [{ "Day": "FRIDAY", "StartTime": day(12), "EndTime": day(13) }],
        "RecurrenceConfig": { "RecurrencePattern": { "Frequency": "MONTHLY", "Interval": 1, "ByWeekdayOccurrence": [2] } } }));
    assert!(office.is_open("2026-12-04T12:30:00Z") && office.is_open("2026-12-04T19:59:00Z"));
    assert!(!office.is_open("2026-12-11T12:30:00Z") && office.is_open("2026-12-11T13:00:00Z"));
    let path = format!("/effective-hours-of-operations/{}/{}", office.instance, office.id);
    let answer = office
        .bench
        .call("GET", &format!("{path}?fromDate=2026-12-10&toDate=2026-12-11"), Value::Null)
        .unwrap();
    let days = &answer["EffectiveHoursOfOperationList"];
    assert_eq!(days[0], json!({ "Date": "2026-12-10", "OperationalHours": [] }));
    assert_eq!(
        days[1]["OperationalHours"],
        json!([
            { "Start": day(9), "End": day(12) }, { "Start": day(13), "End": day(17) }, { "Start": day(17), "End": day(20) },
        ])
    );
    assert_eq!(answer["EffectiveOverrideHoursList"][0]["OverrideHours"][1]["OperationalStatus"], "CLOSED");
    for query in [
        "fromDate=2026-12-10",
        "fromDate=2026-1-1&toDate=2026-12-11",
        "fromDate=2020-01-01&toDate=2026-12-11",
    ] {
        assert_eq!(
            office.bench.refusal("GET", &format!("{path}?{query}"), Value::Null),
            ErrorCode::InvalidParameter,
            "{query}"
        );
    }
}

#[test]
fn nights_end_where_an_override_closes_or_has_the_day_for_itself() {
    let office = Office::new();
    let time = |hours| json!({ "Hours": hours, "Minutes": 0 });
    let night = json!({ "Config": [{ "Day": "THURSDAY", "StartTime": time(22), "EndTime": time(6) }] });
    office.bench.call("POST", &office.path(), night).unwrap();
    assert!(office.is_open("2026-12-25T05:59:00Z") && office.is_open("2026-12-18T05:59:00Z"));
    let on = |day, kind: &str, config: Value| {
        json!({ "Name": format!("{kind} {day}"), "OverrideType": kind,
        "EffectiveFrom": day, "EffectiveTill": day, "Config": config })
    };
    office.add(on("2026-12-25", "STANDARD", json!([])));
    assert!(office.is_open("2026-12-24T23:59:00Z") && !office.is_open("2026-12-25T00:00:00Z"));
    office.add(on("2026-12-18", "CLOSED", json!([{ "StartTime": time(2), "EndTime": time(4) }])));
    assert!(office.is_open("2026-12-18T01:59:00Z") && office.is_open("2026-12-18T04:00:00Z"));
    assert!(!office.is_open("2026-12-18T02:00:00Z") && !office.is_open("2026-12-18T03:59:00Z"));
    // What is closed over midnight closes the next day's beginning.
    office.add(on("2026-12-10", "CLOSED", json!([{ "StartTime": time(23), "EndTime": time(1) }])));
    assert!(office.is_open("2026-12-10T22:59:00Z") && office.is_open("2026-12-11T01:00:00Z"));
    assert!(!office.is_open("2026-12-10T23:00:00Z") && !office.is_open("2026-12-11T00:59:00Z"));
    let path = format!("/effective-hours-of-operations/{}/{}", office.instance, office.id);
    let query = "fromDate=2026-12-24&toDate=2026-12-25";
    let answer = office.bench.call("GET", &format!("{path}?{query}"), Value::Null).unwrap();
    let days = &answer["EffectiveHoursOfOperationList"];
    assert_eq!(days[0]["OperationalHours"], json!([{ "Start": time(22), "End": time(0) }]));
    assert_eq!(days[1]["OperationalHours"], json!([]));
    let whole = json!([{ "Start": time(0), "End": time(0), "OverrideName": "STANDARD 2026-12-25", "OperationalStatus": "CLOSED" }]);
    assert_eq!(
        answer["EffectiveOverrideHoursList"],
        json!([{ "Date": "2026-12-25", "OverrideHours": whole }])
    );
}

#[test]
fn the_overrides_of_parents_hold_too() {
    let office = Office::new();
    let mut child = body("Child");
    child["ParentHoursOfOperationConfigs"] = json!([{ "HoursOfOperationId": office.id }]);
    let answer =
        office.bench.call("PUT", &format!("/hours-of-operations/{}", office.instance), child).unwrap();
    let child = text(&answer["HoursOfOperationArn"]);
    let open = || {
        office.bench.service.are_open(
            office.instance.parse().unwrap(),
            &ResourceRef::of(&child),
            at("2026-12-25T10:00:00Z"),
        )
    };
    assert_eq!(open(), Some(true));
    office.add(json!({ "Name": "closed", "EffectiveFrom": "2026-12-25", "EffectiveTill": "2026-12-25", "Config": [] }));
    assert_eq!(open(), Some(false));
    let other = office.bench.instance("other");
    assert_eq!(
        office.bench.service.are_open(other.parse().unwrap(), &ResourceRef::of(&office.id), NOW),
        None
    );
}

#[test]
fn a_search_finds_by_name_description_and_tags() {
    let office = Office::new();
    for (name, tags) in [("Shop floor", json!({ "team": "a" })), ("Workshop", json!({ "team": "b" }))] {
        let mut body = body(name);
        body["Tags"] = tags;
        office.bench.call("PUT", &format!("/hours-of-operations/{}", office.instance), body).unwrap();
    }
    let found = |rest: Value| {
        let mut body = json!({ "InstanceId": office.instance });
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let answer = office.bench.call("POST", "/search-hours-of-operations", body)?;
        let list = answer["HoursOfOperations"].as_array().unwrap();
        let names: Vec<String> = list.iter().map(|hours| text(&hours["Name"])).collect();
        Ok::<_, crate::ConnectError>((names.join(", "), answer["ApproximateTotalCount"].as_u64().unwrap()))
    };
    let named = |how: &str, value: &str| json!({ "StringCondition": { "FieldName": "name", "Value": value, "ComparisonType": how } });
    assert_eq!(found(json!({ "MaxResults": 2 })).unwrap(), ("Office, Shop floor".into(), 3));
    assert_eq!(
        found(json!({ "SearchCriteria": named("CONTAINS", "shop") })).unwrap().0,
        "Shop floor, Workshop"
    );
    assert_eq!(found(json!({ "SearchCriteria": named("STARTS_WITH", "SHOP") })).unwrap().0, "Shop floor");
    assert_eq!(found(json!({ "SearchCriteria": named("EXACT", "shop") })).unwrap().0, "");
    let either = json!({ "OrConditions": [named("EXACT", "office"), named("EXACT", "workshop")] });
    assert_eq!(found(json!({ "SearchCriteria": either })).unwrap().0, "Office, Workshop");
    let both = json!({ "AndConditions": [named("CONTAINS", "shop"), named("CONTAINS", "work")] });
    assert_eq!(found(json!({ "SearchCriteria": both })).unwrap().0, "Workshop");
    let tag = json!({ "TagFilter": { "TagCondition": { "TagKey": "team", "TagValue": "a" } } });
    assert_eq!(found(json!({ "SearchFilter": tag })).unwrap().0, "Shop floor");
    let tags = json!({ "TagFilter": { "OrConditions": [[{ "TagKey": "team", "TagValue": "b" }], [{ "TagKey": "x" }]] } });
    assert_eq!(found(json!({ "SearchFilter": tags })).unwrap().0, "Workshop");
    for bad in [
        named("LIKE", "x"),
        json!({ "ColourCondition": "red" }),
        json!([]),
        json!({ "StringCondition": { "FieldName": "colour" } }),
    ] {
        assert_eq!(found(json!({ "SearchCriteria": bad })).unwrap_err().code(), ErrorCode::InvalidParameter);
    }
}

#[test]
fn hours_are_given_parents_one_by_one_and_lose_them_again() {
    let bench = Bench::new();
    let instance = bench.instance("demo");
    let add = |name: &str| {
        let body = json!({ "Name": name, "TimeZone": "UTC", "Config": [] });
        text(
            &bench.call("PUT", &format!("/hours-of-operations/{instance}"), body).unwrap()["HoursOfOperationId"],
        )
    };
    let (child, parents) = (add("child"), ["a", "b", "c", "d"].map(add));
    let path = format!("/hours-of-operations/{instance}/{child}");
    let associate = |ids: &[&str]| {
        let configs: Vec<Value> = ids.iter().map(|id| json!({ "HoursOfOperationId": id })).collect();
        let body = json!({ "ParentHoursOfOperationConfigs": configs });
        bench.call("POST", &format!("{path}/associate-hours"), body).map_err(|error| error.code())
    };
    let disassociate = |ids: &[&str]| {
        let body = json!({ "ParentHoursOfOperationIds": ids });
        bench.call("POST", &format!("{path}/disassociate-hours"), body).map_err(|error| error.code())
    };
    let named = || {
        let shown = bench.call("GET", &path, Value::Null).unwrap();
        let parents = shown["HoursOfOperation"]["ParentHoursOfOperations"].as_array().cloned();
        parents.unwrap_or_default().iter().map(|parent| text(&parent["Name"])).collect::<Vec<_>>()
    };
    associate(&[&parents[0], &parents[1]]).unwrap();
    associate(&[&parents[1], &parents[2]]).unwrap();
    assert_eq!(named(), ["a", "b", "c"]);
    assert_eq!(associate(&[&parents[3]]), Err(ErrorCode::ServiceQuotaExceeded));
    assert_eq!(associate(&[&child]), Err(ErrorCode::InvalidParameter));
    assert_eq!(associate(&[ABSENT]), Err(ErrorCode::ResourceNotFound));
    disassociate(&[&parents[1]]).unwrap();
    assert_eq!(disassociate(&[&parents[1]]), Err(ErrorCode::ResourceNotFound), "no parent any more");
    assert_eq!(disassociate(&[]), Err(ErrorCode::InvalidParameter));
    assert_eq!(named(), ["a", "c"]);
}

#[test]
fn overrides_are_found_by_name_date_and_the_tags_of_their_hours() {
    let bench = Bench::new();
    let instance = bench.instance("demo");
    for (hours, days) in [("one", ["2026-12-24", "2026-12-25"]), ("two", ["2027-01-01", "2027-01-01"])] {
        let body = json!({ "Name": hours, "TimeZone": "UTC", "Config": [], "Tags": { "of": hours } });
        let created = bench.call("PUT", &format!("/hours-of-operations/{instance}"), body).unwrap();
        let path =
            format!("/hours-of-operations/{instance}/{}/overrides", text(&created["HoursOfOperationId"]));
        for name in ["holiday", "party"] {
            let body = json!({
                "Name": name, "Config": [], "EffectiveFrom": days[0], "EffectiveTill": days[1],
            });
            bench.call("PUT", &path, body).unwrap();
        }
    }
    let search = |criteria: Value, filter: Value| {
        let body = json!({ "InstanceId": instance, "SearchCriteria": criteria, "SearchFilter": filter });
        let answer = bench.call("POST", "/search-hours-of-operation-overrides", body);
        let found = answer.map_err(|error| error.code())?["HoursOfOperationOverrides"].clone();
        let found = found.as_array().unwrap();
        Ok(found.iter().map(|one| (text(&one["Name"]), text(&one["EffectiveFrom"]))).collect::<Vec<_>>())
    };
    let date = |field: &str, comparison: &str, value: &str| json!({ "DateCondition": { "FieldName": field, "ComparisonType": comparison, "Value": value } });
    let pairs =
        |list: &[(&str, &str)]| list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let (old, new) = ("2026-12-24", "2027-01-01");
    let all: Vec<_> = search(Value::Null, Value::Null).unwrap();
    assert_eq!(all.len(), 4);
    let till = date("EffectiveTill", "LESS_THAN_OR_EQUAL_TO", "2026-12-25");
    let party =
        json!({ "StringCondition": { "FieldName": "Name", "ComparisonType": "EXACT", "Value": "Party" } });
    let both = json!({ "AndConditions": [till, party] });
    assert_eq!(search(both, Value::Null), Ok(pairs(&[("party", old)])));
    let filter = json!({ "TagFilter": { "TagCondition": { "TagKey": "of", "TagValue": "two" } } });
    assert_eq!(search(Value::Null, filter), Ok(pairs(&[("holiday", new), ("party", new)])));
    for wrong in [
        date("Colour", "EQUAL_TO", old),
        date("EffectiveFrom", "LIKE", old),
        json!({ "OrConditions": [date("EffectiveFrom", "EQUAL_TO", "tomorrow")] }),
    ] {
        assert_eq!(search(wrong, Value::Null), Err(ErrorCode::InvalidParameter));
    }
    let first = bench.call(
        "POST",
        "/search-hours-of-operation-overrides",
        json!({ "InstanceId": instance, "MaxResults": 3 }),
    );
    let token = first.unwrap()["NextToken"].clone();
    let rest = json!({ "InstanceId": instance, "MaxResults": 3, "NextToken": token });
    let rest = bench.call("POST", "/search-hours-of-operation-overrides", rest).unwrap();
    assert_eq!(rest["HoursOfOperationOverrides"].as_array().unwrap().len(), 1);
}
