package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nashprune/game"
	"nashprune/trainer/record"
)

// figures returns what a run shows, without what it has no numbers for.
func (f *Folder) figures() []plot {
	var all []plot
	for _, draw := range []func(*Folder) *plot{
		accuracyFigure, lossFigure, playersFigure, widthsFigure, courseFigure, participationFigure,
		priceFigure, supplyFigure, worthFigure, weightsFigure, confusionFigure, lostFigure,
	} {
		if fig := draw(f); fig != nil {
			all = append(all, *fig)
		}
	}
	return all
}

// gateLines makes a series for each gate, or for all together where they are many.
func (f *Folder) gateLines(number func(gate int) []point) []series {
	var all []series
	for g := range f.Result.Gates {
		all = append(all, series{name: f.axis() + " " + f.gate(g), colour: seriesColour(g), points: number(g)})
	}
	if len(all) <= seriesColours {
		return all
	}
	sum := series{name: fmt.Sprintf("all %d gates together", len(all)), colour: seriesColour(0)}
	for i, p := range all[0].points {
		for _, s := range all[1:] {
			p.y += s.points[i].y
		}
		sum.points = append(sum.points, p)
	}
	return []series{sum}
}

// epochChart draws axes over the epochs, with a band where the game is played.
func (f *Folder) epochChart(title string, up axis) *chart {
	c := newChart(title, axis{name: "epoch", scale: scale{high: float64(max(1, f.Config.Epochs))}, whole: true}, up)
	if f.Config.Game.InRounds() && len(f.Rounds) > 0 {
		opens, closes := market(f.Config)
		c.band(opens, closes, "the game")
	}
	return c
}

func accuracyFigure(f *Folder) *plot {
	metric := measureOf(f.Result.Task)
	all := accuraciesOf(&f.Run)
	if !f.Finished { // whether it removes players is not known
		game := f.Run
		game.Result.Pruned = &record.Pruned{}
		if all = accuraciesOf(&game); len(all[0].points) == 0 {
			all = accuraciesOf(&f.Run)
		}
	}
	all = slices.DeleteFunc(all, func(s series) bool { return len(s.points) == 0 })
	if len(all) == 0 {
		return nil
	}
	for i := range all {
		all[i].colour = strings.NewReplacer(prunedColour, keptVar, denseColour, denseVar).Replace(all[i].colour)
	}
	evaluated := finalAccuraciesOf(&f.Run)
	c := f.epochChart(metric.axis+" over the epochs", axis{name: metric.axis, scale: accuracyScale(metric, all, evaluated)})
	fig := &plot{ID: "accuracy", Title: metric.axis[:strings.Index(metric.axis, ",")] + " over the epochs", Legend: c.lines(all, false)}
	for _, e := range evaluated {
		colour := keptVar
		if e.colour == denseColour {
			colour = denseVar
		}
		c.circle(c.place(point{c.across.high, e.accuracy}), 4.5, style{fill: colour, stroke: paperVar, width: 1.5})
		fig.Legend = append(fig.Legend, legendEntry{e.name + " at the end, " + percent(e.accuracy), sample(`<circle cx="13" cy="6" r="4.5" fill="%s"/>`, colour)})
	}
	fig.Note = "Over the training samples while they are learnt, and over the samples that validate. Dots are the final evaluation. Low figures of the first epochs lie on the lower edge."
	fig.SVG, fig.Tables = c.html(), []table{tableOf(metric.axis+", by epoch", "epoch", all)}
	return fig
}

func lossFigure(f *Folder) *plot {
	lines := map[string]*series{}
	var all []*series
	add := func(name, colour, dashes string, epoch int, loss *float64) {
		if loss == nil || !(*loss > 0) {
			return
		}
		if lines[name] == nil {
			lines[name] = &series{name: name, colour: colour, dashes: dashes}
			all = append(all, lines[name])
		}
		lines[name].points = append(lines[name].points, point{float64(epoch), *loss})
	}
	for _, line := range f.Epochs {
		colour, name := keptVar, "training"
		if line.Training == record.DenseTraining {
			colour, name = denseVar, "dense, training"
		}
		add(name, colour, "", line.Epoch, &line.Loss)
		add(strings.Replace(name, "training", "validation", 1), colour, "4 2.5", line.Epoch, line.ValidationLoss)
	}
	if all == nil {
		return nil
	}
	var shown []series
	var numbers []float64
	for _, s := range all {
		shown = append(shown, *s)
		for _, p := range s.points {
			numbers = append(numbers, p.y)
		}
	}
	c := f.epochChart("Loss over the epochs", axis{name: "loss, logarithmic", scale: powers(numbers), power: true})
	return &plot{ID: "loss", Title: "Loss over the epochs", Legend: c.lines(shown, false), SVG: c.html(),
		Note: "Cross-entropy, in regression the squared error in standardised units.", Tables: []table{tableOf("Loss, by epoch", "epoch", shown)}}
}

// playersFigure shows how the network shrinks.
func playersFigure(f *Folder) *plot {
	if len(f.Rounds) == 0 {
		return nil
	}
	start := f.players()
	opens, _ := market(f.Config)
	all := f.gateLines(func(g int) []point {
		points := []point{{0, float64(start[g])}, {opens, float64(start[g])}}
		for _, r := range f.Rounds {
			points = append(points, point{roundEpoch(&f.Run, r.Round), float64(r.Players[g])})
		}
		return append(points, point{float64(f.Config.Epochs), points[len(points)-1].y})
	})
	up := reach(all, true)
	up.logarithmic, up.low = true, 0
	c := f.epochChart("Size over the epochs", axis{name: "players, logarithmic", scale: up})
	return &plot{ID: "size", Title: "Size over the epochs", Legend: c.lines(all, true), SVG: c.html(),
		Note: "Players that are still in the network.", Tables: []table{tableOf("Players, by epoch", "epoch", all)}}
}

// widthsFigure shows the gates before and after.
func widthsFigure(f *Folder) *plot {
	if !f.removes() || len(f.Result.Gates) == 0 {
		return nil
	}
	const row, most = 26, 60
	gates := f.Result.Gates[:min(most, len(f.Result.Gates))]
	d := newDrawing(chartWidth, row*len(gates)+34, "Width of each "+f.axis()+" before and after")
	left, widest := 20., 1
	t := table{Caption: "Players of each " + f.axis(), Head: []string{f.axis(), "players are", "before", "after", "kept"}}
	for g, gate := range gates {
		left, widest = max(left, 1.15*textWidth(shorten(f.gate(g), 18), textSize)), max(widest, gate.Players) // some letters are wide
		part := "–"
		if gate.Players > 0 {
			part = fmt.Sprintf("%.1f %%", 100*float64(gate.Kept)/float64(gate.Players))
		}
		t.add(f.gate(g), cellName(gate.Kind), Thousands(gate.Players), Thousands(gate.Kept), part)
	}
	if more := len(f.Result.Gates) - most; more > 0 {
		t.Note = fmt.Sprintf("%d further gates are left out.", more)
	}
	across := scale{high: float64(widest), start: left + 12, end: chartWidth - 96}
	for g, gate := range gates {
		y := float64(row*g + 8)
		fmt.Fprintf(d, `<g data-gate="%d">`, g)
		d.text(point{left + 4, y + 13}, letters{size: textSize, fill: inkVar, anchor: "end"}, shorten(f.gate(g), 18))
		d.rectangle(point{across.start, y}, point{max(across.start+1, across.at(float64(gate.Players))), y + 18}, 2, style{fill: "var(--ghost)"})
		d.rectangle(point{across.start, y}, point{max(across.start+1, across.at(float64(gate.Kept))), y + 18}, 2, style{fill: keptVar})
		d.text(point{across.at(float64(gate.Players)) + 6, y + 13}, letters{size: textSize, fill: inkVar}, fmt.Sprintf("%s of %s", Thousands(gate.Kept), Thousands(gate.Players)))
		d.WriteString("</g>")
	}
	d.abscissa(axis{scale: across, whole: true}, float64(row*len(gates)+8))
	return &plot{ID: "widths", Title: "Width before and after", SVG: d.html(), Tables: []table{t},
		Note: "Players of each " + f.axis() + ": before in grey, after in blue."}
}

// courseOfRounds makes a series for each gate over the rounds.
func (f *Folder) courseOfRounds(number func(r record.RoundLine) []float64) []series {
	return f.gateLines(func(g int) (points []point) {
		for _, r := range f.Rounds {
			if all := number(r); all != nil {
				points = append(points, point{float64(r.Round), all[g]})
			}
		}
		return points
	})
}

func (f *Folder) rounds() axis {
	return axis{name: "round of the game", scale: scale{high: float64(max(1, f.Config.Rounds))}, whole: true}
}

// priceFigure shows what participation cost in each round.
func priceFigure(f *Folder) *plot {
	if len(f.Rounds) == 0 || f.Rounds[0].Prices == nil {
		return nil
	}
	all := f.courseOfRounds(func(r record.RoundLine) []float64 { return r.Prices })
	if len(f.Result.Gates) > seriesColours { // a sum of prices means nothing
		low, high := series{name: "lowest", colour: seriesColour(0)}, series{name: "highest", colour: seriesColour(1)}
		for _, r := range f.Rounds {
			low.points = append(low.points, point{float64(r.Round), slices.Min(r.Prices)})
			high.points = append(high.points, point{float64(r.Round), slices.Max(r.Prices)})
		}
		all = []series{low, high}
	}
	var numbers []float64
	for _, s := range all {
		for _, p := range s.points {
			numbers = append(numbers, p.y)
		}
	}
	t := tableOf("Price, by round", "round", all)
	for i := range all { // nothing is sold in a round in which all may stay
		all[i].points = slices.DeleteFunc(all[i].points, func(p point) bool { return !(p.y > 0) })
	}
	if slices.Max(append(numbers, 0)) == 0 {
		return nil
	}
	c := newChart("Price by round", f.rounds(), axis{name: "price, units of the loss, logarithmic", scale: powers(numbers), power: true})
	return &plot{ID: "price", Title: "Price", Legend: c.lines(all, false), SVG: c.html(), Tables: []table{t},
		Note: "What a player pays for full participation. It is the price at which supply meets the demand."}
}

// supplyFigure shows how many players the market asks for and how much they participate.
func supplyFigure(f *Folder) *plot {
	if len(f.Rounds) == 0 {
		return nil
	}
	demand := f.courseOfRounds(func(r record.RoundLine) []float64 {
		var all []float64
		for _, n := range r.Demand {
			all = append(all, float64(n))
		}
		return all
	})
	for i := range demand {
		demand[i].name, demand[i].dashes = "demand, "+demand[i].name, "4 2.5"
	}
	all, title, note := demand, "Demand", "Demand is how many players may stay."
	if f.Rounds[0].Supply != nil {
		supply := f.courseOfRounds(func(r record.RoundLine) []float64 { return r.Supply })
		for i := range supply {
			supply[i].name = "supply, " + supply[i].name
		}
		all, title, note = append(supply, demand...), "Demand and supply", note+" Supply is the sum of the participations at the price."
	}
	up := reach(all, true)
	up.logarithmic = true
	c := newChart(title+" by round", f.rounds(), axis{name: "players, logarithmic", scale: up})
	return &plot{ID: "supply", Title: title, Legend: c.lines(all, false), SVG: c.html(), Tables: []table{tableOf(title+", by round", "round", all)},
		Note: note}
}

// course is the participations of all gates, in their order in time.
type course struct {
	At     []int // the rounds, or the epochs
	Name   string
	Levels [][]record.Participations
}

// course returns the participations of the run, thinned to what a picture shows.
func (f *Folder) course() course {
	c := course{Name: "round"}
	for _, r := range f.Rounds {
		if r.Participations != nil {
			c.At, c.Levels = append(c.At, r.Round), append(c.Levels, r.Participations)
		}
	}
	if c.At == nil {
		c.Name = "epoch"
		for _, e := range f.Epochs {
			if e.Participations != nil {
				c.At, c.Levels = append(c.At, e.Epoch), append(c.Levels, e.Participations)
			}
		}
	}
	const most = 160
	if n := len(c.At); n > most {
		all := c
		c.At, c.Levels = nil, nil
		for i := range most {
			c.At, c.Levels = append(c.At, all.At[i*(n-1)/(most-1)]), append(c.Levels, all.Levels[i*(n-1)/(most-1)])
		}
	}
	return c
}

// participationFigure is Figure 2 of the paper: the histogram of participations, at the first
// and at the last time that is known.
func participationFigure(f *Folder) *plot {
	c := f.course()
	if c.At == nil {
		return nil
	}
	first, last := make([]float64, record.ParticipationClasses), make([]float64, record.ParticipationClasses)
	add := func(to []float64, of []record.Participations) {
		for _, gate := range of {
			for class, n := range gate.Histogram {
				to[class] += float64(n)
			}
		}
	}
	end := len(c.At) - 1
	add(first, c.Levels[0])
	add(last, c.Levels[end])
	up := scale{high: max(1, slices.Max(first), slices.Max(last)), logarithmic: true}
	d := newChart("Histogram of participation", axis{name: "participation", scale: scale{high: 1}}, axis{name: "players, logarithmic", scale: up})
	t := table{Caption: "Players by participation", Head: []string{"participation", fmt.Sprintf("%s %d", c.Name, c.At[0]), fmt.Sprintf("%s %d", c.Name, c.At[end])}}
	var outline []point
	for class := range first {
		from, to := float64(class)/record.ParticipationClasses, float64(class+1)/record.ParticipationClasses
		a, b := d.place(point{from, last[class]}), d.place(point{to, 0})
		if last[class] > 0 {
			d.rectangle(point{a.x + 0.5, a.y}, point{b.x - 0.5, b.y}, 0, style{fill: keptVar})
		}
		outline = append(outline, d.place(point{from, first[class]}), d.place(point{to, first[class]}))
		t.add(fmt.Sprintf("%.2f to %.2f", from, to), strconv.Itoa(int(first[class])), strconv.Itoa(int(last[class])))
	}
	d.line(outline, style{stroke: seriesColour(1), width: 2})
	fig := &plot{ID: "histogram", Title: "Histogram of participation", SVG: d.html(), Tables: []table{t}}
	fig.Legend = []legendEntry{
		{fmt.Sprintf("%s %d, the last that is known", c.Name, c.At[end]), sample(`<rect width="26" height="12" fill="%s"/>`, keptVar)},
		{fmt.Sprintf("%s %d, the first", c.Name, c.At[0]), sample(`<line x1="0" x2="26" y1="6" y2="6" stroke-width="2.5" stroke="%s"/>`, seriesColour(1))},
	}
	fig.Note = "As Figure 2 of the paper. Players that were removed before are not counted."
	return fig
}

// mostMarks is how many players are drawn, and listed, at most: kept ones first.
const mostMarks = 2000

// shownPlayers returns the players that are drawn, in their order.
func (f *Folder) shownPlayers() []record.Player {
	if len(f.Players) <= mostMarks {
		return f.Players
	}
	kept, left := sides(f.Players)
	kept = kept[:min(len(kept), mostMarks)]
	slices.SortStableFunc(left, func(a, b record.Player) int { return cmp.Compare(b.Epoch, a.Epoch) })
	shown := slices.Concat(kept, left[:mostMarks-len(kept)])
	slices.SortFunc(shown, func(a, b record.Player) int { return cmp.Or(a.Layer-b.Layer, a.Index-b.Index) })
	return shown
}

func playerName(p record.Player) string { return fmt.Sprintf("%d:%d", p.Layer, p.Index) }

// worthFigure sets the worth of each player against what it had to pay.
func worthFigure(f *Folder) *plot {
	if len(f.Players) == 0 {
		return nil
	}
	worth, cost := "worth", "price, logarithmic"
	switch {
	case f.ranked():
		worth, cost = "score", "highest score removed, logarithmic"
	case f.Config.Game == game.PaperGame:
		worth, cost = "benefit", "cost, logarithmic"
	}
	shown := f.shownPlayers()
	var worths, prices []float64
	for _, p := range shown {
		worths, prices = append(worths, p.Worth), append(prices, p.Price)
	}
	across, up := powers(prices), powers(worths)
	c := newChart("Worth against price of every player", axis{name: cost, scale: across, power: true}, axis{name: worth + ", logarithmic", scale: up, power: true})
	if from, to := max(across.low, up.low), min(across.high, up.high); to > from {
		c.line([]point{{c.across.scale.at(from), c.up.scale.at(from)}, {c.across.scale.at(to), c.up.scale.at(to)}}, style{stroke: inkVar, width: 1.5, dashes: "5 3"})
	}
	t := table{Caption: "Players", Head: []string{"player", worth, "price", "participation", "removed in epoch", "reason"}}
	mark := func(p record.Player) {
		at := c.place(point{p.Price, p.Worth})
		if p.Reason == game.Kept {
			fmt.Fprintf(c, `<circle data-player="%s" cx="%s" cy="%s" r="4" fill="%s"/>`+"\n", playerName(p), coordinate(at.x), coordinate(at.y), keptVar)
		} else {
			fmt.Fprintf(c, `<path data-player="%s" d="M%s %sl5 5m0-5l-5 5" stroke="%s" stroke-width="1.2" fill="none"/>`+"\n",
				playerName(p), coordinate(at.x-2.5), coordinate(at.y-2.5), seriesColour(1))
		}
	}
	for _, keptNow := range []bool{false, true} { // kept ones on top
		for _, p := range shown {
			if (p.Reason == game.Kept) == keptNow {
				mark(p)
			}
		}
	}
	for _, p := range shown {
		epoch := "–"
		if p.Epoch > 0 {
			epoch = strconv.Itoa(p.Epoch)
		}
		t.Rows = append(t.Rows, tableLine{playerName(p), []string{f.gate(p.Layer) + ":" + strconv.Itoa(p.Index), number(p.Worth), number(p.Price), number(p.Participation), epoch, string(p.Reason)}})
	}
	if more := len(f.Players) - len(shown); more > 0 {
		t.Note = fmt.Sprintf("%s removed players are left out here and in the plot; %s has all.", Thousands(more), record.PlayersFile)
	}
	note := "In the last round that each player was in. Above the dashed line the " + worth + " is more than the price. Marks on an edge are zero or beyond the axis."
	return &plot{ID: "worth", Title: "Worth against price", SVG: c.html(), Tables: []table{t}, Note: note, Legend: []legendEntry{
		{"kept", sample(`<circle cx="13" cy="6" r="4" fill="%s"/>`, keptVar)},
		{"removed", sample(`<path d="M10.5 3.5l5 5m0-5l-5 5" stroke="%s" stroke-width="1.5"/>`, seriesColour(1))},
		{worth + " equals price", sample(`<line x1="0" x2="26" y1="6" y2="6" stroke-width="1.5" stroke="%s" stroke-dasharray="5 3"/>`, inkVar)},
	}}
}
