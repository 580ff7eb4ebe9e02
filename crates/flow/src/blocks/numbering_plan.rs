//! National numbers and their international form.
//!
//! Source: ITU-T E.164 and E.129 (national numbering plans: calling code, trunk prefix, length of the national number). Units: digits.
//! Not implemented: which ranges a country has assigned; for North America the first digit of area and exchange is checked.

/// The numbering plan of a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberingPlan {
    calling_code: &'static str,
    /// What is dialled before a national number inside the country, and is no part of it.
    trunk_prefix: &'static str,
    digits_min: usize,
    digits_max: usize,
}

impl NumberingPlan {
    /// That of a country of ISO 3166-1, in either case.
    pub(super) fn of_country(iso: &str) -> Option<Self> {
        let iso = iso.trim().to_ascii_uppercase();
        PLANS
            .binary_search_by_key(&iso.as_str(), |(country, ..)| country)
            .ok()
            .and_then(|at| PLANS.get(at))
            .map(plan)
    }

    /// A number as it is dialled inside the country, with plus sign and calling code; `None` where it is none of the country.
    pub(super) fn international(self, dialled: &str) -> Option<String> {
        let national =
            dialled.strip_prefix(self.trunk_prefix).filter(|rest| self.holds(rest)).unwrap_or(dialled);
        self.holds(national).then(|| format!("+{}{national}", self.calling_code))
    }

    /// Whether these digits are a national number.
    fn holds(self, national: &str) -> bool {
        let has_length = (self.digits_min..=self.digits_max).contains(&national.len());
        let is_number = has_length && national.bytes().all(|b| b.is_ascii_digit());
        match (self.calling_code, self.trunk_prefix, national.as_bytes()) {
            ("1", _, [area, _, _, exchange, ..]) => is_number && *area >= b'2' && *exchange >= b'2',
            (_, "0", [b'0', ..]) => false,
            _ => is_number,
        }
    }
}

/// A number that was dialled with its calling code, with a plus sign; `None` where no country has it.
pub(super) fn with_calling_code(dialled: &str) -> Option<String> {
    let is_global = GLOBAL_CODES.iter().any(|code| dialled.starts_with(code))
        && (8..=15).contains(&dialled.len())
        && dialled.bytes().all(|b| b.is_ascii_digit());
    let is_national = || {
        PLANS
            .iter()
            .map(plan)
            .any(|plan| dialled.strip_prefix(plan.calling_code).is_some_and(|national| plan.holds(national)))
    };
    (dialled.len() <= 15 && (is_global || is_national())).then(|| format!("+{dialled}"))
}

fn plan(
    &(_, calling_code, trunk_prefix, digits_min, digits_max): &(
        &str,
        &'static str,
        &'static str,
        usize,
        usize,
    ),
) -> NumberingPlan {
    NumberingPlan { calling_code, trunk_prefix, digits_min, digits_max }
}

/// Freephone, shared cost, satellites and networks of no country (E.164, assigned codes).
const GLOBAL_CODES: [&str; 8] = ["800", "808", "870", "878", "881", "882", "883", "979"];

/// Country, calling code, trunk prefix, digits of a national number; by country.
#[rustfmt::skip]
const PLANS: &[(&str, &str, &str, usize, usize)] = &[
    ("AD", "376", "", 6, 9), ("AE", "971", "0", 8, 9), ("AF", "93", "0", 9, 9), ("AG", "1", "1", 10, 10),
    ("AI", "1", "1", 10, 10), ("AL", "355", "0", 6, 9), ("AM", "374", "0", 8, 8), ("AO", "244", "", 9, 9),
    ("AR", "54", "0", 10, 11), ("AS", "1", "1", 10, 10), ("AT", "43", "0", 4, 13), ("AU", "61", "0", 6, 10),
    ("AW", "297", "", 7, 7), ("AX", "358", "0", 5, 12), ("AZ", "994", "0", 9, 9), ("BA", "387", "0", 8, 9),
    ("BB", "1", "1", 10, 10), ("BD", "880", "0", 6, 10), ("BE", "32", "0", 8, 9), ("BF", "226", "", 8, 8),
    ("BG", "359", "0", 6, 9), ("BH", "973", "", 8, 8), ("BI", "257", "", 8, 8), ("BJ", "229", "", 8, 10),
    ("BL", "590", "0", 9, 9), ("BM", "1", "1", 10, 10), ("BN", "673", "", 7, 7), ("BO", "591", "0", 8, 8),
    ("BQ", "599", "", 7, 7), ("BR", "55", "0", 8, 11), ("BS", "1", "1", 10, 10), ("BT", "975", "", 7, 8),
    ("BW", "267", "", 7, 8), ("BY", "375", "8", 9, 11), ("BZ", "501", "", 7, 7), ("CA", "1", "1", 10, 10),
    ("CC", "61", "0", 6, 10), ("CD", "243", "0", 7, 9), ("CF", "236", "", 8, 8), ("CG", "242", "", 9, 9),
    ("CH", "41", "0", 9, 9), ("CI", "225", "", 10, 10), ("CK", "682", "", 5, 5), ("CL", "56", "", 9, 9),
    ("CM", "237", "", 8, 9), ("CN", "86", "0", 7, 11), ("CO", "57", "0", 8, 10), ("CR", "506", "", 8, 8),
    ("CU", "53", "0", 6, 10), ("CV", "238", "", 7, 7), ("CW", "599", "", 7, 8), ("CX", "61", "0", 6, 10),
    ("CY", "357", "", 8, 8), ("CZ", "420", "", 9, 9), ("DE", "49", "0", 4, 14), ("DJ", "253", "", 8, 8),
    ("DK", "45", "", 8, 8), ("DM", "1", "1", 10, 10), ("DO", "1", "1", 10, 10), ("DZ", "213", "0", 8, 9),
    ("EC", "593", "0", 8, 9), ("EE", "372", "", 7, 8), ("EG", "20", "0", 8, 10), ("EH", "212", "0", 9, 9),
    ("ER", "291", "0", 7, 7), ("ES", "34", "", 9, 9), ("ET", "251", "0", 9, 9), ("FI", "358", "0", 5, 12),
    ("FJ", "679", "", 7, 7), ("FK", "500", "", 5, 5), ("FM", "691", "", 7, 7), ("FO", "298", "", 6, 6),
    ("FR", "33", "0", 9, 9), ("GA", "241", "", 7, 8), ("GB", "44", "0", 7, 10), ("GD", "1", "1", 10, 10),
    ("GE", "995", "0", 9, 9), ("GF", "594", "0", 9, 9), ("GG", "44", "0", 7, 10), ("GH", "233", "0", 9, 9),
    ("GI", "350", "", 8, 8), ("GL", "299", "", 6, 6), ("GM", "220", "", 7, 7), ("GN", "224", "", 8, 9),
    ("GP", "590", "0", 9, 9), ("GQ", "240", "", 9, 9), ("GR", "30", "", 10, 10), ("GT", "502", "", 8, 8),
    ("GU", "1", "1", 10, 10), ("GW", "245", "", 7, 9), ("GY", "592", "", 7, 7), ("HK", "852", "", 8, 8),
    ("HN", "504", "", 8, 8), ("HR", "385", "0", 7, 9), ("HT", "509", "", 8, 8), ("HU", "36", "06", 8, 9),
    ("ID", "62", "0", 7, 12), ("IE", "353", "0", 7, 10), ("IL", "972", "0", 8, 9), ("IM", "44", "0", 10, 10),
    ("IN", "91", "0", 10, 10), ("IO", "246", "", 7, 7), ("IQ", "964", "0", 8, 10), ("IR", "98", "0", 10, 10),
    ("IS", "354", "", 7, 9), ("IT", "39", "", 6, 12), ("JE", "44", "0", 7, 10), ("JM", "1", "1", 10, 10),
    ("JO", "962", "0", 8, 9), ("JP", "81", "0", 8, 10), ("KE", "254", "0", 7, 10), ("KG", "996", "0", 9, 9),
    ("KH", "855", "0", 8, 9), ("KI", "686", "", 5, 8), ("KM", "269", "", 7, 7), ("KN", "1", "1", 10, 10),
    ("KP", "850", "0", 6, 10), ("KR", "82", "0", 7, 10), ("KW", "965", "", 7, 8), ("KY", "1", "1", 10, 10),
    ("KZ", "7", "8", 10, 10), ("LA", "856", "0", 8, 10), ("LB", "961", "0", 7, 8), ("LC", "1", "1", 10, 10),
    ("LI", "423", "0", 7, 9), ("LK", "94", "0", 9, 9), ("LR", "231", "0", 7, 9), ("LS", "266", "", 8, 8),
    ("LT", "370", "0", 8, 8), ("LU", "352", "", 4, 11), ("LV", "371", "", 8, 8), ("LY", "218", "0", 8, 9),
    ("MA", "212", "0", 9, 9), ("MC", "377", "0", 8, 9), ("MD", "373", "0", 8, 8), ("ME", "382", "0", 8, 9),
    ("MF", "590", "0", 9, 9), ("MG", "261", "0", 9, 9), ("MH", "692", "1", 7, 7), ("MK", "389", "0", 8, 8),
    ("ML", "223", "", 8, 8), ("MM", "95", "0", 6, 10), ("MN", "976", "0", 7, 10), ("MO", "853", "", 8, 8),
    ("MP", "1", "1", 10, 10), ("MQ", "596", "0", 9, 9), ("MR", "222", "", 8, 8), ("MS", "1", "1", 10, 10),
    ("MT", "356", "", 8, 8), ("MU", "230", "", 7, 8), ("MV", "960", "", 7, 7), ("MW", "265", "0", 7, 9),
    ("MX", "52", "", 10, 10), ("MY", "60", "0", 8, 10), ("MZ", "258", "", 8, 9), ("NA", "264", "0", 8, 9),
    ("NC", "687", "", 6, 6), ("NE", "227", "", 8, 8), ("NF", "672", "", 5, 6), ("NG", "234", "0", 7, 10),
    ("NI", "505", "", 8, 8), ("NL", "31", "0", 5, 11), ("NO", "47", "", 5, 8), ("NP", "977", "0", 8, 10),
    ("NR", "674", "", 7, 7), ("NU", "683", "", 4, 7), ("NZ", "64", "0", 7, 10), ("OM", "968", "", 7, 8),
    ("PA", "507", "", 7, 8), ("PE", "51", "0", 8, 9), ("PF", "689", "", 6, 8), ("PG", "675", "", 7, 8),
    ("PH", "63", "0", 8, 10), ("PK", "92", "0", 8, 10), ("PL", "48", "", 9, 9), ("PM", "508", "0", 6, 9),
    ("PR", "1", "1", 10, 10), ("PS", "970", "0", 8, 9), ("PT", "351", "", 9, 9), ("PW", "680", "", 7, 7),
    ("PY", "595", "0", 7, 9), ("QA", "974", "", 7, 8), ("RE", "262", "0", 9, 9), ("RO", "40", "0", 9, 9),
    ("RS", "381", "0", 6, 12), ("RU", "7", "8", 10, 10), ("RW", "250", "0", 8, 9), ("SA", "966", "0", 9, 9),
    ("SB", "677", "", 5, 7), ("SC", "248", "", 7, 7), ("SD", "249", "0", 9, 9), ("SE", "46", "0", 6, 10),
    ("SG", "65", "", 8, 8), ("SH", "290", "", 4, 5), ("SI", "386", "0", 8, 8), ("SJ", "47", "", 5, 8),
    ("SK", "421", "0", 9, 9), ("SL", "232", "0", 8, 8), ("SM", "378", "", 6, 10), ("SN", "221", "", 9, 9),
    ("SO", "252", "0", 6, 9), ("SR", "597", "", 6, 7), ("SS", "211", "0", 9, 9), ("ST", "239", "", 7, 7),
    ("SV", "503", "", 7, 8), ("SX", "1", "1", 10, 10), ("SY", "963", "0", 8, 9), ("SZ", "268", "", 8, 8),
    ("TC", "1", "1", 10, 10), ("TD", "235", "", 8, 8), ("TG", "228", "", 8, 8), ("TH", "66", "0", 8, 9),
    ("TJ", "992", "", 9, 9), ("TK", "690", "", 4, 7), ("TL", "670", "", 7, 8), ("TM", "993", "8", 8, 8),
    ("TN", "216", "", 8, 8), ("TO", "676", "", 5, 7), ("TR", "90", "0", 10, 10), ("TT", "1", "1", 10, 10),
    ("TV", "688", "", 5, 7), ("TW", "886", "0", 8, 9), ("TZ", "255", "0", 9, 9), ("UA", "380", "0", 9, 9),
    ("UG", "256", "0", 9, 9), ("US", "1", "1", 10, 10), ("UY", "598", "0", 7, 8), ("UZ", "998", "", 9, 9),
    ("VA", "39", "", 6, 12), ("VC", "1", "1", 10, 10), ("VE", "58", "0", 10, 10), ("VG", "1", "1", 10, 10),
    ("VI", "1", "1", 10, 10), ("VN", "84", "0", 7, 10), ("VU", "678", "", 5, 7), ("WF", "681", "", 6, 6),
    ("WS", "685", "", 5, 7), ("XK", "383", "0", 8, 12), ("YE", "967", "0", 7, 9), ("YT", "262", "0", 9, 9),
    ("ZA", "27", "0", 9, 9), ("ZM", "260", "0", 9, 9), ("ZW", "263", "0", 5, 10),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn local(country: &str, dialled: &str) -> Option<String> {
        NumberingPlan::of_country(country).unwrap().international(dialled)
    }

    #[test]
    fn a_national_number_gets_the_code_of_its_country() {
        for (country, dialled, expected) in [
            ("US", "8005550100", "+18005550100"),
            ("us", "18005550100", "+18005550100"),
            ("CA", "6135550123", "+16135550123"),
            ("AU", "0491570156", "+61491570156"),
            ("AU", "491570156", "+61491570156"),
            ("GB", "02079460123", "+442079460123"),
            ("DE", "03023125001", "+493023125001"),
            ("FR", "0199001234", "+33199001234"),
            ("IT", "0612345678", "+390612345678"),
            ("ES", "912345678", "+34912345678"),
            ("HU", "06301234567", "+36301234567"),
            ("RU", "88005550100", "+78005550100"),
            ("RU", "8005550100", "+78005550100"),
            ("JP", "0312345678", "+81312345678"),
            ("KR", "01023456789", "+821023456789"),
            ("SG", "61234567", "+6561234567"),
            ("BR", "11912345678", "+5511912345678"),
            ("NZ", "0211234567", "+64211234567"),
        ] {
            assert_eq!(local(country, dialled).as_deref(), Some(expected), "{country} {dialled}");
        }
    }

    #[test]
    fn what_is_no_number_of_the_country_is_refused() {
        for (country, dialled) in [
            ("US", "5550100"),
            ("US", "1234567890"),
            ("US", "2121234567"),
            ("US", "28005550100"),
            ("AU", "00491570156"),
            ("AU", "12345"),
            ("SG", "6123456"),
            ("FR", "0199001"),
            ("US", "80*5550100"),
            ("US", ""),
        ] {
            assert_eq!(local(country, dialled), None, "{country} {dialled}");
        }
    }

    #[test]
    fn a_number_with_a_calling_code_is_one_of_some_country() {
        for dialled in
            ["18005550100", "61491570156", "442079460123", "80012345678", "390612345678", "6561234567"]
        {
            assert_eq!(with_calling_code(dialled), Some(format!("+{dialled}")));
        }
        for dialled in [
            "",
            "0061491570156",
            "123",
            "2101234567",
            "1800555010",
            "61*491570156",
            "1234567890123456",
            "9991234567",
        ] {
            assert_eq!(with_calling_code(dialled), None, "{dialled}");
        }
    }

    #[test]
    fn the_plans_are_in_the_order_of_their_countries_and_can_be_dialled() {
        assert!(PLANS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (country, code, trunk, min, max) in PLANS {
            assert!(country.len() == 2 && (1..=3).contains(&code.len()) && trunk.len() <= 2, "{country}");
            assert!(4 <= *min && min <= max && code.len() + max <= 16, "{country}");
        }
        assert_eq!(NumberingPlan::of_country("XX"), None);
        assert_eq!(NumberingPlan::of_country(""), None);
    }
}
