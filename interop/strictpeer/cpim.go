package strictpeer

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A CPIM has the headers and the body of a message/cpim.
type CPIM struct {
	From, To    string // URIs
	DateTime    time.Time
	ContentType string
	Body        string
}

// The grammar of RFC 3862, section 3, for the headers that the phone knows. Names
// are case-sensitive, and one blank follows the colon.
var (
	cpimField = regexp.MustCompile(`^(?:([A-Za-z0-9-]+)\.)?([A-Za-z0-9!#$%&'*+^_-]+): (\S.*)$`)
	cpimName  = regexp.MustCompile(`^(?:[A-Za-z0-9!#$%&'*+.^_-]+ )*(?:"(?:[^"\\]|\\.)*" )?<([a-z]+:[^<> ]+)>$`)
	cpimSpace = regexp.MustCompile(`^(?:([A-Za-z0-9-]+) )?<[^<> ]+>$`)
)

// parseCPIM reads a message/cpim, and nothing that is not as RFC 3862 has it.
func parseCPIM(text string) (*CPIM, error) {
	head, rest, ok := strings.Cut(text, "\r\n\r\n")
	mime, body, ok2 := strings.Cut(rest, "\r\n\r\n")
	if !ok || !ok2 {
		return nil, errors.New("the message is not three parts with empty lines between")
	}
	c := &CPIM{Body: body}
	spaces, seen := map[string]bool{"": true}, map[string]int{}
	for line := range strings.SplitSeq(head, "\r\n") {
		m := cpimField.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("CPIM header %q", line)
		}
		if !spaces[m[1]] {
			return nil, fmt.Errorf("CPIM header %q of no namespace", line)
		}
		if m[1] != "" {
			continue
		}
		seen[m[2]]++
		if err := c.take(m[2], m[3], spaces); err != nil {
			return nil, err
		}
	}
	if seen["From"] != 1 || seen["To"] < 1 || seen["DateTime"] > 1 {
		return nil, fmt.Errorf("CPIM headers %v", seen)
	}
	for line := range strings.SplitSeq(mime, "\r\n") {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			return nil, fmt.Errorf("MIME header %q", line)
		}
		if strings.EqualFold(name, "Content-Type") {
			if c.ContentType = value; !typeValue.MatchString(value) {
				return nil, fmt.Errorf("MIME header %q", line)
			}
		}
	}
	if c.ContentType == "" {
		return nil, errors.New("no Content-Type within the message")
	}
	return c, nil
}

func (c *CPIM) take(name, value string, spaces map[string]bool) (err error) {
	switch name {
	case "From", "To":
		m := cpimName.FindStringSubmatch(value)
		if m == nil {
			return fmt.Errorf("CPIM %s: %s", name, value)
		}
		if name == "From" {
			c.From = m[1]
		} else {
			c.To = m[1]
		}
	case "DateTime":
		c.DateTime, err = time.Parse(time.RFC3339, value)
	case "NS":
		m := cpimSpace.FindStringSubmatch(value)
		if m == nil {
			return fmt.Errorf("CPIM NS: %s", value)
		}
		spaces[m[1]] = true
	case "cc", "Subject", "Require":
	default:
		return fmt.Errorf("CPIM header %s", name)
	}
	return err
}

// Wrap puts a text into a message/cpim in the way of SIP SIMPLE clients.
func Wrap(from, to, contentType, body string) string {
	return "From: <" + from + ">\r\nTo: <" + to + ">\r\nDateTime: " + time.Now().UTC().Format("2006-01-02T15:04:05.000000+00:00") +
		"\r\n\r\nContent-Type: " + contentType + "\r\n\r\n" + body
}
