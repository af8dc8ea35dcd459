package game

// PaperEnd is where players of the paper's game ended that are too many for accounts. All
// slices have one entry a player.
type PaperEnd struct {
	Participations []float32
	Worths         []float32 // B_i(1), the benefit of full participation
	Prices         []float32 // C_i(1), its cost
	Reasons        []Reason
}

// End closes the game for the players of a field that play s: those below the threshold are
// removed. The certificate is of the state before.
func (g Paper) End(f Field, s []float64, threshold float64) (*PaperEnd, Certificate) {
	end, certificate := new(PaperEnd), Certificate{}
	for i, s := range s {
		end.Participations = append(end.Participations, float32(s))
		end.Worths = append(end.Worths, float32(g.BenefitOf(f, i, 1)))
		end.Prices = append(end.Prices, float32(g.CostOf(f, i, 1)))
		end.Reasons = append(end.Reasons, g.Reason(f, i, s, threshold))
		certificate.Add(g.Gap(f, i, s), g.Scale(f, i, s))
	}
	return end, certificate
}

// Kept counts the players that stay.
func (s *PaperEnd) Kept() int {
	kept := 0
	for _, reason := range s.Reasons {
		if reason == Kept {
			kept++
		}
	}
	return kept
}

// Reason returns why player i is removed where it plays s at the end, or [Kept].
func (g Paper) Reason(f Field, i int, s, threshold float64) Reason {
	switch {
	case s >= threshold:
		return Kept
	case g.Dominated(f, i):
		return Dominated
	}
	return BelowThreshold
}
