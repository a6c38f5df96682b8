package conform

// section7_2_6 are the cases of section 7.2.6 of the draft.
func (m MSCPTarget) section7_2_6() []Case {
	return []Case{
		must("mscp/7.2.6/1", "the request of the draft's example, as it is laid out there, is answered", m.onTCP(func(t *T, c *channel) {
			a := c.askDocument("<mscp version=\"1.0\" xmlns=\"urn:ietf:mscp\">\r\n <request>\r\n<dialogstart connectionid=\"23142\"\r\n  " +
				"src=\"http://www.example.com/scripts/promptAndCollect.vxml\"/>\r\n </request>\r\n</mscp>\r\n")
			e := c.is(a, startAnswers...)
			if e.attr("connectionid") != "23142" {
				t.Errorf("the connectionid is %q", e.attr("connectionid"))
			}
		})),
	}
}
