package ladder

import "fmt"

const (
	// maxBlock is the most rows that are looked at as one repetition.
	maxBlock = 8
	// minTimes is how often a block comes, at the least, where it is folded.
	minTimes = 4
)

// foldRepeats puts one row in the place of what repeats the rows above it, such
// as the refreshing of subscriptions, or many short messages.
func (d *Diagram) foldRepeats() {
	rows := make([]Row, 0, len(d.Rows))
	for i := 0; i < len(d.Rows); {
		size, times := repeats(d.Rows[i:])
		if times < minTimes {
			rows = append(rows, d.Rows[i])
			i++
			continue
		}
		rows = append(rows, d.Rows[i:i+size]...)
		last := d.Rows[i+size*times-1]
		what := "the message above"
		if size > 1 {
			what = fmt.Sprintf("the %d messages above", size)
		}
		rows = append(rows, Row{
			Time: last.Time, Folded: size * (times - 1),
			Label: fmt.Sprintf("… %s, %d times more, until %.4f …", what, times-1, d.seconds(last.Time)),
		})
		i += size * times
	}
	d.Rows = rows
}

// repeats finds the shortest block that rows begin with at least minTimes in a
// row.
func repeats(rows []Row) (size, times int) {
	for size = 1; size <= maxBlock && size*minTimes <= len(rows); size++ {
		n := size // rows that are as the ones a block before
		for n < len(rows) && alike(rows[n], rows[n-size]) {
			n++
		}
		if n/size >= minTimes {
			return size, n / size
		}
	}
	return 0, 0
}

func alike(a, b Row) bool {
	return a.From == b.From && a.To == b.To && a.Protocol == b.Protocol && a.Label == b.Label && a.Body == b.Body
}
