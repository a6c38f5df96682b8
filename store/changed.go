package store

import "slices"

// outsidePairs are the pairs for which a batch changes what is to be delivered in
// another way than by a message of a Writer or by Delete, and with all those that it
// changes at all. It is called before the index has the changes.
func (s *Store) outsidePairs(batch []*job, all bool) (list []Pair) {
	if s.changed == nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	seen := map[Pair]bool{}
	add := func(p Pair) {
		if !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	for _, j := range batch {
		if !j.outside && !all {
			continue
		}
		if j.message != nil {
			add(Pair{Recipient: j.message.Recipient, Sender: j.message.Sender})
		}
		for _, id := range slices.Concat(j.remove, j.aside) {
			if p, _ := s.index.find(id); p != nil {
				add(Pair{Recipient: p.inbox.recipient, Sender: p.sender})
			}
		}
	}
	return list
}

// tellChanged hands pairs to Options.Changed.
func (s *Store) tellChanged(list []Pair) {
	for _, p := range list {
		s.changed(p.Recipient, p.Sender)
	}
}
