package conform

// section7_1_3 are the cases of section 7.1.3 of RFC 4975.
func (m MSRPTarget) section7_1_3() []Case {
	return []Case{
		must("msrp/7.1.3/1", "there is no success report that was not asked for", m.on(func(t *T, s *session) {
			s.want(200, request{id: reportID, body: "Hello"})
			s.want(200, request{id: reportID + "-no", headers: []string{"Success-Report: no"}, body: "Hello"})
			s.alive()
			if len(s.reports) > 0 {
				t.Errorf("one came for %q", s.reports[0].Get("Message-ID"))
			}
		})),
	}
}
