package conform

// section7_1_2 are the cases of section 7.1.2 of RFC 4975.
func (m MSRPTarget) section7_1_2() []Case {
	return []Case{
		must("msrp/7.1.2/1", "a REPORT gets no response, and no REPORT", m.on(func(t *T, s *session) {
			s.send(request{method: "REPORT", id: "none", headers: []string{"Byte-Range: 1-5/5", "Status: 000 200 OK"}, noBody: true})
			s.alive()
		})),
		must("msrp/7.1.2/2", "a success report has the Message-ID, and a Status of 000 200", m.on(func(t *T, s *session) {
			s.want(200, request{id: reportID, headers: success, body: "Hello"})
			s.reported(reportID, 5)
		})),
		must("msrp/7.1.2/3", "a report has neither Success-Report nor Failure-Report", m.on(func(t *T, s *session) {
			s.want(200, request{id: reportID, headers: success, body: "Hello"})
			if f := s.report(reportID); f.Get("Success-Report") != "" || f.Get("Failure-Report") != "" {
				t.Errorf("it has %q", f.Header)
			}
		})),
		must("msrp/7.1.2/4", "a report goes back the way that the message has come", m.on(func(t *T, s *session) {
			s.want(200, request{id: reportID, headers: success, body: "Hello"})
			if f := s.report(reportID); f.Get("To-Path") != s.from || f.Get("From-Path") != s.to {
				t.Errorf("it goes from %q to %q", f.Get("From-Path"), f.Get("To-Path"))
			}
		})),
	}
}
