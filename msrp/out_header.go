package msrp

import (
	"errors"
	"fmt"
	"strings"
)

// ownHeaders are those that a Message.Header must not hold.
var ownHeaders = map[string]struct{}{
	hdrToPath: {}, hdrFromPath: {}, hdrMessageID: {}, hdrByteRange: {}, hdrContentType: {}, hdrStatus: {},
}

// checkHeader refuses what a receiver would not take, and takes what Header says
// of reports into the fields.
func (m *Message) checkHeader() error {
	size := len(m.ContentType)
	reports := map[string]bool{}
	for _, f := range m.Header {
		name := canonicalName([]byte(f.Name))
		_, own := ownHeaders[name]
		switch {
		case f.Name == "" || !isToken([]byte(f.Name)):
			return errors.New("msrp: Message.Header has a name that is not a token")
		case own:
			return fmt.Errorf("msrp: Message.Header must not hold %s", f.Name)
		case len(f.Name)+2+len(f.Value) > MaxHeaderLine:
			return fmt.Errorf("msrp: Message.Header has more than %d bytes in %s", MaxHeaderLine, f.Name)
		case name == hdrSuccessReport || name == hdrFailureReport:
			if reports[name] {
				return fmt.Errorf("msrp: Message.Header has %s twice", name)
			}
			reports[name] = true
			if err := m.setReport(name, f.Value); err != nil {
				return err
			}
		}
		size += len(f.Name) + 4 + len(f.Value)
	}
	if len(m.ContentType) > MaxHeaderLine-len(hdrContentType)-2 || size > maxMessageHeader ||
		len(m.Header) > MaxHeaders-len(knownNames) {
		return errors.New("msrp: Message.Header is too long")
	}
	return nil
}

// setReport takes one of the two headers about reports.
func (m *Message) setReport(name, value string) error {
	differs := fmt.Errorf("msrp: Message.Header has %s: %s, and the field says otherwise", name, value)
	if name == hdrSuccessReport {
		switch {
		case strings.EqualFold(value, "yes"):
			m.SuccessReport = true
		case !strings.EqualFold(value, "no"):
			return errors.New("msrp: Message.Header has a Success-Report that is not yes or no")
		case m.SuccessReport:
			return differs
		}
		return nil
	}
	f, err := parseFailureReport(value)
	switch {
	case err != nil || value == "":
		return errors.New("msrp: Message.Header has a Failure-Report that is not yes, no or partial")
	case m.FailureReport != FailureYes && m.FailureReport != f:
		return differs
	}
	m.FailureReport = f
	return nil
}

// appendReports writes the headers about reports. Failure-Report: yes is what its
// absence means, but there are receivers that send a success REPORT only where it
// is written. See RFC 4975, section 7.1.1.
func (m *Message) appendReports(b []byte) []byte {
	if m.SuccessReport && m.Header.Get(hdrSuccessReport) == "" {
		b = appendField(b, hdrSuccessReport, "yes")
	}
	if (m.SuccessReport || m.FailureReport != FailureYes) && m.Header.Get(hdrFailureReport) == "" {
		b = appendField(b, hdrFailureReport, m.FailureReport.String())
	}
	return b
}
