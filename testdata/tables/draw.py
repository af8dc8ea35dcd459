"""Draws two tables with the columns, gaps and sizes of well-known ones, and a planted rule:
draw.py census >census.csv  (32,561 rows of adult census)  draw.py passengers >passengers.csv  (891)."""
import csv, math, random, sys


def census(draw):
    pick = lambda words, weights: draw.choices(words, weights)[0]
    work = "Private Self-emp-not-inc Local-gov State-gov Self-emp-inc Federal-gov Without-pay".split()
    school = "HS-grad Some-college Bachelors Masters Assoc-voc 11th Assoc-acdm 10th 7th-8th Prof-school 9th 12th Doctorate 5th-6th 1st-4th Preschool".split()
    years = [9, 10, 13, 14, 11, 7, 12, 6, 4, 15, 5, 8, 16, 3, 2, 1]
    married = "Married-civ-spouse Never-married Divorced Separated Widowed Married-spouse-absent Married-AF-spouse".split()
    job = "Prof-specialty Craft-repair Exec-managerial Adm-clerical Sales Other-service Machine-op-inspct Transport-moving Handlers-cleaners Farming-fishing Tech-support Protective-serv Priv-house-serv Armed-Forces".split()
    kin = "Husband Not-in-family Own-child Unmarried Wife Other-relative".split()
    race = "White Black Asian-Pac-Islander Amer-Indian-Eskimo Other".split()
    land = ["United-States", "Mexico"] + [f"Country-{i}" for i in range(39)]
    yield "age workclass fnlwgt education education-num marital-status occupation relationship race sex capital-gain capital-loss hours-per-week native-country income".split()
    for _ in range(32561):
        age = min(90, 17 + int(draw.gammavariate(2.6, 8.2)))
        e = draw.choices(range(16), [32, 22, 16, 5, 4, 4, 3, 3, 2, 2, 2, 1, 1, 1, .5, .2])[0]
        m = pick(married, [46, 33, 14, 3, 3, 1, .1])
        o = draw.choices(range(14), [13, 13, 13, 12, 11, 10, 6, 5, 4, 3, 3, 2, .5, .05])[0]
        sex = "Male" if draw.random() < .67 else "Female"
        k = ("Husband" if sex == "Male" else "Wife") if m == married[0] else pick(kin[1:4] + kin[5:], [50, 30, 15, 5])
        gain = int(draw.expovariate(1 / 12000)) if draw.random() < .083 else 0
        loss = int(draw.gauss(1870, 380)) if draw.random() < .047 else 0
        hours = max(1, min(99, int(draw.gauss(40, 12))))
        w = draw.choices(work, [70, 8, 6, 4, 3.5, 3, .05])[0]
        score = .32 * (years[e] - 10) + 2.2 * (m in married[::6]) + [.7, 0, 1, 0, .3, -.8, -.4, -.2, -.7, -1, .6, .4, -1, 0][o] \
            + .03 * (hours - 40) - .0013 * (age - 48) ** 2 + .00028 * gain + .0006 * loss + .2 * (sex == "Male") + .4 * (w in work[4:6]) - 1.9
        label = ">50K" if draw.random() < 1 / (1 + math.exp(-1.6 * score)) else "<=50K"
        gap = draw.random() < .056
        yield [age, "?" if gap else w, draw.randint(12285, 900000), school[e], years[e], m, "?" if gap else job[o], k,
               pick(race, [85, 10, 3, 1, 1]), sex, gain, loss, hours, "?" if draw.random() < .018 else pick(land, [90, 2] + [.2] * 39), label]


def passengers(draw):
    yield "PassengerId Survived Pclass Name Sex Age SibSp Parch Ticket Fare Cabin Embarked".split()
    for i in range(891):
        c = draw.choices([1, 2, 3], [24, 21, 55])[0]
        sex = "male" if draw.random() < .65 else "female"
        age = max(.4, draw.gauss(44 - 6 * c, 14))
        family = [draw.choices([0, 1, 2, 4], [68, 23, 5, 4])[0], draw.choices([0, 1, 2], [76, 13, 11])[0]]
        score = 2.6 * (sex == "female") - 1.1 * (c - 2) - .035 * (age - 28) - .35 * sum(family) - .9
        title = {"male": "Mr.", "female": "Mrs." if family[0] else "Miss."}[sex]
        yield [i + 1, int(draw.random() < 1 / (1 + math.exp(-1.5 * score))), c, f"Family{draw.randint(1, 700)}, {title} Given{i}", sex,
               "" if draw.random() < .2 else round(age, 1), *family, f"{draw.choice(['A/5 ', 'PC ', ''])}{draw.randint(10000, 399999)}",
               round(draw.lognormvariate(3.9 - .7 * (c - 1), .6), 4), f"{draw.choice('ABCDE')}{draw.randint(2, 120)}" if draw.random() < .7 - .25 * (c - 1) and draw.random() < .6 else "",
               draw.choices(["S", "C", "Q", ""], [72, 19, 9, .2])[0]]


tables = {"census": census, "passengers": passengers}
csv.writer(sys.stdout, lineterminator="\n").writerows(tables[sys.argv[1]](random.Random(1)))
