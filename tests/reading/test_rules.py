"""Sentences of our own, in the styles of the benchmarks, with their halves."""

import re
from random import Random

import pytest

from omninegclip.reading.reading import ELSE, Reading
from omninegclip.reading.rules import read_by_rules

READ = [
    line.split(" | ")
    for line in """
a street without cars | a street | cars
a street without any cars or people | a street | cars | people
Nowhere in this photo is there a kettle. |  | a kettle
A stapler is not among the things on this desk. |  | a stapler
Four mugs hang on hooks. A teapot is not among them. | Four mugs hang on hooks. | a teapot
a clerk who is not among the guests | a clerk | a clerk among the guests
a shed with a watering can but no hose | a shed with a watering can | a hose
a curb without a trash can | a curb | a trash can
A lamp can be seen, but no curtain can. | A lamp can be seen. | a curtain
The photo shows no geese, only a pond at noon. | a pond at noon. | geese
A flute lies there, yet the picture has no drum. | A flute lies there | a drum
a chapel without a steeple in the quiet village | a chapel in the quiet village | a steeple
There is no dog in the image. |  | a dog
This image features a knife, but no car is present. | This image features a knife. | a car
A bench is present in this image, but there is no bird. | A bench is present in this image. | a bird
This image does not feature an umbrella. |  | an umbrella
The photo shows a cup and does not show a fork | The photo shows a cup | a fork
a man who does not have a bag rides a bike | a man rides a bike | a bag
a child not wearing a coat | a child | a coat
a child who isn’t wearing a coat | a child | a coat
the woman is not holding an umbrella | the woman | an umbrella
a dog that is not running | a dog | a dog running
a dog not running | a dog | a dog running
a car that is not red | a car | a red car
a boat not covered by a tarp | a boat | a boat covered by a tarp
a horse, not on a beach | a horse | on a beach
a cat that is not on the sofa | a cat | a cat on the sofa
a kitchen with neither a stove nor a sink | a kitchen | a stove | a sink
a table with no plates, cups or forks | a table | plates | cups | forks
a boy with no hat and a red kite | a boy with a red kite | a hat
a lane free of traffic | a lane | traffic
a hill devoid of trees | a hill | trees
a bike lacking a seat | a bike | a seat
a room that lacks a window | a room | a window
a pizza with a slice missing | a pizza | a slice
a pizza missing a slice | a pizza | a slice
a park where the swings are nowhere to be seen | a park | swings
a lamb on a hill, with a dog nowhere to be seen | a lamb on a hill | a dog
a mug on a desk, and the photo fails to show a pen | a mug on a desk | a pen
a bowl of rice that fails to include chopsticks | a bowl of rice | chopsticks
a fair at noon, with none of the usual tents | a fair at noon | tents
a porch without any visible chairs | a porch | chairs
a lamb on a hill, not accompanied by a shepherd | a lamb on a hill | a shepherd
tulips in a vase, as opposed to a rose | tulips in a vase | a rose
a quiet lane, except there is no bench | a quiet lane | a bench
Instead of a goose, there is a swan on the pond | there is a swan on the pond | a goose
an oven in a bakery, but it lacks a door | an oven in a bakery | a door
find me a cliff without gulls | a cliff | gulls
I'm looking for mugs but no saucers | mugs | saucers
street scene absent cars | street scene | cars
there must not be a ladder |  | a ladder
a pool where nobody swims | a pool | a person swimming
a tart that has no berries on top | a tart | berries
a quilt on a bed, but the pillows have been removed | a quilt on a bed | pillows
a stage bare of props | a stage | props
a plaza at noon in which no pigeons can be seen | a plaza at noon | pigeons
hikers rest by a stream, and no tent is pitched | hikers rest by a stream | a tent pitched
a barn without any smoke coming from the chimney | a barn | smoke coming from the chimney
runners pass the clinic without any fans cheering | runners pass the clinic | fans cheering
a church, although no flag hangs from its tower | a church | a flag hanging from its tower
a drum with no logo on the front | a drum | a logo on the front
a library with tall lamps and no guards at the desks | a library with tall lamps | guards at the desks
a hall that does not have steps leading up to it | a hall | steps leading up to it
a nanny speaks at a fair and is not joined by her son | a nanny speaks at a fair | a nanny joined by her son
a toddler on a rug that isn't crying | a toddler on a rug | a toddler crying
a row of men on a lake, none of whom are wearing caps | a row of men on a lake | a row of men wearing caps
roses in a jug, none of them open | roses in a jug | open roses
a turkey that has not been carved lying on a tray | a turkey lying on a tray | a carved turkey
a sailor in a boat who has not caught a fish | a sailor in a boat | a sailor that has caught a fish
a kiosk where the bus has not arrived | a kiosk | a bus that has arrived
the arrow does not point to the left | the arrow | an arrow pointing to the left
a diver floats in a cave without being tied to a rope | a diver floats in a cave | a diver tied to a rope
a tray with everything except spoons | a tray with everything | spoons
all the buns on a tray except the rye one are sliced | all the buns on a tray are sliced | rye buns
the kiosk is not on the pier but beside the dunes | the kiosk beside the dunes | a kiosk on the pier
a couple, not kissing and not holding hands | a couple | a couple kissing | a couple holding hands
the coach, but none of the players, waves | the coach, waves | players
The photo shows a boat, nor does it show a pier | The photo shows a boat | a pier
The photo shows a mug without showing a spoon | The photo shows a mug | a spoon
The photo shows a pear, with figs not being present | The photo shows a pear | figs
A ruler is here, but a stapler never appears | A ruler is here | a stapler
The photo shows a phone but not a hand holding it | The photo shows a phone | a hand
A child is here, but the child is not holding a toy | A child is here | a toy
There is a crib here, and it isn't covered with a quilt | There is a crib here | a crib covered with a quilt
A plow waits in a field, with no mule in the vicinity | A plow waits in a field | a mule
kids playing tag, not indoors | kids playing tag | indoors
dont want geese, just a pond | a pond | geese
a tent by a creek, isn't raining | a tent by a creek | rain
green pear on a desk, not red | green pear on a desk | a red pear
the pier is not crowded on a windy day | the pier on a windy day | a crowded pier
a dirt path that is not paved leading to a mill | a dirt path leading to a mill | a paved dirt path
In this image there are pens, but no rulers | pens | rulers
a pond at dawn with no fog over the water | a pond at dawn | fog over the water
dawn on a bay, with no boats on the horizon | dawn on a bay | boats on the horizon
a hotel hall with tiles but no clerk at the desk | a hotel hall with tiles | a clerk at the desk
a shelf of novels and with no gaps between them | a shelf of novels | gaps
the twins do not dance, and they do not swim | the twins | twins dancing | twins swimming
a crowd gathers in a square but is not protesting | a crowd gathers in a square | a crowd protesting
the pair walks hand in hand, but they are not married | the pair walks hand in hand | a married pair
a toddler not holding a spoon crosses the street | a toddler crosses the street | a spoon
It is clear that no tractor is in this image. |  | a tractor
A cap is worn by a man, but he has no coat | A cap is worn by a man | a coat
Despite the presence of a tray, no bread can be seen | a tray | bread
Crows are visible on a wire, but none are flying | Crows are visible on a wire | crows flying
a girl who is not smiling holds a plum | a girl holds a plum | a girl smiling
a cliff with waves below and no clouds above | a cliff with waves below | clouds
a player without a helmet skates off the ice | a player skates off the ice | a helmet
a sailor who is not on the ship waves to the crowd | a sailor waves to the crowd | a sailor on the ship
a puppy on a carpet, with no collar around its neck | a puppy on a carpet | a collar around its neck
a boy on the floor, rather than sitting on a sofa | a boy on the floor | a boy sitting on a sofa
a man who does not have a bag is hailing a cab | a man is hailing a cab | a bag
a fox in the snow, leaving no tracks | a fox in the snow | tracks
a reading hall, but there are no readers at the tables | a reading hall | readers at the tables
a parrot in a cage, and the cage is not open | a parrot in a cage | an open cage
a driver stands by a car and does not wave to fans | a driver stands by a car | a driver waving to fans
a wooden pier with no railing on either side | a wooden pier | a railing on either side
a toddler, not holding her mother's hand | a toddler | a toddler holding her mother's hand
three dogs, none of the three is brown | three dogs | brown dogs
none of these dogs is red |  | red dogs
a hill with no water falls | a hill | water falls
a stop without bus passes | a stop | bus passes
a man not holding drinks | a man | drinks
a fair without rides | a fair | rides
a table without plates or drinks | a table | plates | drinks
a bar with neither drinks nor food | a bar | drinks | food
the image does not show drinks |  | drinks
a dog show with no people | a dog show | people
There is a raft in this image, without a person on board | There is a raft in this image | a person
grandma without anyone else | grandma | another person
a cloudless sky | a sky | clouds
An armless chair | A chair | arms
a car-free street | a street | a car
a chair with no one sitting on it | a chair | a person sitting
a bench in the absence of people | a bench | people
a plate of fruit instead of cake | a plate of fruit | a cake
a lamp, and the shade is absent | a lamp | a shade
a shelf without any sign of books | a shelf | books
a bag not without a strap | a bag with a strap
a man whose face is not visible | a man | a face
I don't see a ladder |  | a ladder
beach -people -"red car" | beach | people | a red car
This image doesn't feature a table, but it does include a chair. | it does include a chair. | a table
There is a dog. There is no cat. | There is a dog. | a cat
while a car is visible, there are no buses here | a car is visible | buses
a lidless pot | a pot | a lid
nobody on the pier | the pier | a person
nothing but sand | sand | something else
I don't want any text |  | text
please no people |  | people
no dogs or cats please |  | dogs | cats
mountains (no snow) | mountains | snow
a photo with no watermark |  | a watermark
beach, exclude people and dogs | beach | people | dogs
beach w/o people | beach | people
neither of them brown |  | brown
two dogs, neither of them brown | two dogs | brown dogs
none of the people wear hats | none of the people | people wearing hats
a bird that never flies | a bird | a bird flying
never flies |  | flying
a park with hardly any trees | a park | trees
a car with its doors not open | a car with its doors | open doors
cats but not black ones | cats | black cats
cars other than red ones | cars | red cars
a bike that nobody is riding | a bike | a person riding a bike
a table with nothing on it | a table | something on a table
a cat that is neither black nor white | a cat | a black cat | a white cat
a man who is neither smiling nor frowning | a man | a man smiling | a man frowning
no one in the picture wears glasses |  | a person wearing glasses
anything but dogs |  | dogs
all animals except dogs | all animals | dogs
a cat rather than a dog | a cat | a dog
it is not raining |  | rain
Noticeably absent from this image is a knife. |  | a knife
Absent a truck, horses stand in the shade. | horses stand in the shade. | a truck
A poncho and a backpack are both absent from this image. |  | a poncho | a backpack
Fighting is not part of the footage. |  | fighting
A studio setting is not present. |  | a studio setting
Men make an appearance, but women do not. | Men make an appearance. | women
a cookie, a car, however, is not present in the image | a cookie | a car
a runway, but no Boeing 747 next to it | a runway | a Boeing 747
a cart but no 757-300 | a cart | 757-300
a plane, but it is not next to a truck | a plane | a plane next to a truck
"This image features a motorbike but no car". | This image features a motorbike | a car
a gym, but no jump rope | a gym | a jump rope
You see a stool, but don't expect to see a kitchen. | You see a stool. | a kitchen
This image shows a ball, but it does not include a net. | This image shows a ball. | a net
A storm is featured, while displays are absent. | A storm is featured. | displays
a talk show, however no dogs | a talk show | dogs
sheep, unaccompanied by any cows | sheep | cows
In the image, there is no table, but a man sits on a bench. | a man sits on a bench. | a table
"No car is visible." # said |  | a car
What's not part of this scene is a cup. |  | a cup
a mule with two goats, none of them wearing bells | a mule with two goats | goats wearing bells
two monks, neither of the two monks wears a hat | two monks | monks wearing a hat
a goat not on a leash playing in a yard | a goat playing in a yard | a goat on a leash
a goat not on a beach running in snow | a goat running in snow | on a beach
a goat not next to a man walking a dog | a goat | a goat next to a man walking a dog
a monk not riding a mule but walking | a monk walking | a monk riding a mule
a monk without a hat but holding a cup | a monk holding a cup | a hat
a kitten naps on a rug rather than in its basket | a kitten naps on a rug | a kitten in its basket
a glider on a lawn instead of in the sky | a glider on a lawn | in the sky
a monk prays in a hut rather than in a hall with pupils | a monk prays in a hut with pupils | a monk in a hall
a canoe tied to a post instead of moored at the pier | a canoe tied to a post | a canoe moored at the pier
a heron stands by the reeds rather than flying | a heron stands by the reeds | a heron flying
a goalie holds the ball instead of kicking it | a goalie holds the ball | a goalie kicking it
a nurse walks home rather than ride the tram | a nurse walks home | a nurse riding the tram
a lady at the gala as a guest rather than as the host | a lady at the gala as a guest | a host
a boy in shorts rather than swimming trunks | a boy in shorts | swimming trunks
a mayor speaks at a lunch instead of a rally | a mayor speaks at a lunch | a rally
an owl watches a mouse without moving its wings | an owl watches a mouse | an owl moving its wings
a poodle at the dog show not wearing a bow | a poodle at the dog show | a bow
dancers bow after the show but are not holding flowers | dancers bow after the show | flowers
two photos show no tents | two photos | tents
hikers pass a gate and do not enter the yard | hikers pass a gate | hikers entering the yard
fans who do not cross the road | fans | fans crossing the road
ducks that don't block the path | ducks | ducks blocking the path
a juggler rehearses with torches and does not bow | a juggler rehearses with torches | a juggler bowing
pilgrims visit a shrine but do not pray | pilgrims visit a shrine | pilgrims praying
geese glide along a dam without their goslings | geese glide along a dam | goslings
no cart interrupts the parade |  | a cart interrupting the parade
the fort is not covered in snow and overlooks a bay | the fort overlooks a bay | a fort covered in snow
goats rest by a ditch, never crossing the lane | goats rest by a ditch | goats crossing the lane
a plot next to train tracks without fences | a plot next to train tracks | fences
boys with baby shoes on a string and no bag | boys with baby shoes on a string | a bag
a golfer hits the ball but not to the hole | a golfer hits the ball | a golfer to the hole
shoppers gather at a stall but are not allowed inside | shoppers gather at a stall | shoppers allowed inside
a villa not sold | a villa | a sold villa
not a single leaf remains on the elm | the elm | a leaf
the bus by the mill is not electric and carries a flag | the bus by the mill carries a flag | an electric bus
the cabin by the creek is not lit as clouds gather | the cabin by the creek as clouds gather | a lit cabin
the tram does not halt as it passes the mill | the tram as it passes the mill | a tram halting
a goalie does not dive as she scores a goal | a goalie as she scores a goal | a goalie diving
no goose is in sight as a fox drinks from the creek | a fox drinks from the creek | a goose
a boy not dressed as a clown | a boy | a boy dressed as a clown
lilies in a jar that are not white | lilies in a jar | white lilies
a geyser in the valley that does not erupt | a geyser in the valley | a geyser erupting
mist over the canyon that does not hide the bridge | mist over the canyon | mist hiding the bridge
a sign above the bar which is not lit | a sign above the bar | a lit sign
a barn on a road that is not paved | a barn on a road | a paved road
a nun in the coat that is not grey | a nun in the coat | a grey coat
benches in a hall with no judges before the final | benches in a hall before the final | judges
a mayor in a kilt without socks at the garden party | a mayor in a kilt at the garden party | socks
a dancer wears a cape rather than a coat to the gala | a dancer wears a cape to the gala | a coat
an arena with no fans at the game | an arena | fans at the game
a nun and a boy watch the sea but they do not clap | a nun and a boy watch the sea | a nun and a boy clapping
nurses take photos of the swans but they do not smile | nurses take photos of the swans | nurses smiling
a king and his wife do not dance | a king and his wife | a king and his wife dancing
a finch with grey wings and no yellow ones | a finch with grey wings | yellow wings
an actor at a gala in a dark suit, not a white one | an actor at a gala in a dark suit | a white suit
a girl with a kite, not a red one | a girl with a kite | a red kite
a pair picks a used bike rather than a new one at the fair | a pair picks a used bike at the fair | a new bike
a toddler sits on a swing with no friends around her | a toddler sits on a swing | friends
we rest on a hill with no tents around us | we rest on a hill | tents
the jeep does not have a spare tyre on the back | the jeep | a spare tyre on the back
dawn on a farm without a single farmer at work in the rows | dawn on a farm | a farmer at work in the rows
a model does not wear a cape by a designer | a model | a cape by a designer
a couple not wearing hats by the sea | a couple by the sea | hats
cows stand neither eating nor drinking on a hot day | cows stand on a hot day | cows eating | cows drinking
cars stuck in a lane but not because of a flood | cars stuck in a lane | a flood
a boy not riding a mule on the path in the park | a boy on the path in the park | a boy riding a mule
a goalie does not catch the ball during the final | a goalie during the final | a goalie catching the ball
a cab not stopping for a nun at a wide square | a cab at a wide square | a cab stopping for a nun
a girl not running on the beach | a girl | a girl running on the beach
a boy not throwing a ball in the air | a boy | a boy throwing a ball in the air
the fort is not lit up at night | the fort | a fort lit up at night
a barn with its doors open and not closed | a barn with its doors open | closed doors
two boys hold pears but they are not ripe | two boys hold pears | ripe pears
a chef signs books at a fair but does not read to fans | a chef signs books at a fair | a chef reading to fans
the creek flows past a mill but not through the wood | the creek flows past a mill | a creek through the wood
a nun who never smiles sits by a door | a nun sits by a door | a nun smiling
the pond is neither frozen nor deep | the pond | a frozen pond | a deep pond
the animal is neither dog nor cat | the animal | a dog | a cat
the pie does not have figs but has nuts | the pie has nuts | figs
a pan on a stove, but no lid covers it | a pan on a stove | a lid
the fort is not frozen in winter | the fort | a fort frozen in winter
a hut not painted in stripes on a dark night | a hut on a dark night | a hut painted in stripes
a red sports car by a hedge without people | a red sports car by a hedge | people
a lane through the wood which isn't lined with stones | a lane through the wood | a lane lined with stones
guests are not allowed to dance in the hall | guests | guests allowed to dance in the hall
neither the nun nor the monk is kneeling |  | a nun kneeling | a monk kneeling
the climbers have not reached the top | the climbers | climbers that have reached the top
no roses bloom in the yard | the yard | roses blooming
nurses sit in a bar, none drinking tea | nurses sit in a bar | nurses drinking tea
lanterns hang from a beam and are not lit | lanterns hang from a beam | lit lanterns
no pines cover the hill and a deer runs | a deer runs | pines covering the hill
In the absence of cars, a flock of geese and ducks rest | a flock of geese and ducks rest | cars
the peaks are not visible because of fog | fog | peaks
a goalie gets a ball but does not hold on to it | a goalie gets a ball | a goalie holding on to it
two boys with kites, neither of them smiling | two boys with kites | boys smiling
two boys with kites, neither of them red | two boys with kites | red kites
a mayor is not shown smiling by a desk | a mayor | a mayor smiling by a desk
a garden in June without any tulips in bloom | a garden in June | tulips in bloom
actor and actress pose but not on the lawn | actor and actress pose | an actor and actress on the lawn
huts along a creek, none with a porch | huts along a creek | a porch
a nun without a hat against the dawn | a nun against the dawn | a hat
the cat is neither on the sofa nor under the bed | the cat | a cat on the sofa | a cat under the bed
a bear not in the zoo, but in the hills | a bear in the hills | in the zoo
mayors shake hands but are not looking at each other | mayors shake hands | mayors looking at each other
a nurse stands by a board and nobody listens | a nurse stands by a board | a person listening
a stage, but there is no music stand. | a stage. | a music stand
the taxi ride is missing |  | a taxi ride
a mayor drinks soda from a can, with no cup nearby | a mayor drinks soda from a can | a cup
No drum is in the photo, which is a sketch of a flute | a sketch of a flute | a drum
a jeep with wide tires and a missing front door | a jeep with wide tires | a front door
a pie on a tray, but noticeable by its absence is a fork | a pie on a tray | a fork
a bright loft, notable for its absence of a sofa | a bright loft | a sofa
No goat is in the photo, but a mule with a saddle is. | a mule with a saddle. | a goat
a mule in a barn, with no saddle in the photo's view | a mule in a barn | a saddle
No mule is in the photo, which features a plough in a shed. | a plough in a shed. | a mule
You'll find no oven in this video. |  | an oven
a scooter but no Fiat Panda from 1994 | a scooter | a Fiat Panda from 1994
a hall with pots, but surprisingly, there is no lid | a hall with pots | a lid
In a barn stands a red plough, yet there is no mule. | In a barn stands a red plough. | a mule
a pot on a shelf, and there is no lid in the space | a pot on a shelf | a lid
a jeep on a lane with its lamps not on | a jeep on a lane with its lamps | lamps on
two gulls on a mast, neither facing the sea | two gulls on a mast | gulls facing the sea
a nun with a cane but no hat walks past a mill | a nun with a cane walks past a mill | a hat
a lane where no one has walked | a lane | a person that has walked
a tent is set, but no judge has appeared | a tent is set | a judge that has appeared
no rider on the lane is wearing a vest |  | a rider on the lane wearing a vest
a fox lies in its den, not asleep | a fox lies in its den | an asleep fox
the walls aren't white but red | the walls red | white walls
No yacht in the bay is visible. |  | a yacht in the bay
Neither a crane nor a mill under repair is included in this photo. |  | a crane | a mill under repair
a mule in a barn; no saddle is part of the scene. | a mule in a barn. | a saddle
A nun serves lunch, but no stools are available. | A nun serves lunch. | stools
This photo does not include any fruit, such as figs or pears. |  | fruit
This photo shows a tram, but does not include a jeep from 1994. | This photo shows a tram. | a jeep from 1994
the moon is not visible behind the peaks | the peaks | a moon
a hut in summer, not winter | a hut in summer | winter
A drum is shown but there is no flute. | A drum is shown. | a flute
No yak appears in this black and white photo, which shows a hut. | a hut. | a yak
A cook stirs a pot; the scene does not include a stool. | A cook stirs a pot | a stool
A road sign reads "East" but there is no mule | A road sign reads "East" | a mule
Geese sit on a dam, but one thing you won't find in this photo is a swan. | Geese sit on a dam. | a swan
"This image does not include a yak" . |  | a yak
a cook is in the yard but is not part of a crew | a cook is in the yard | a cook part of a crew
a shop that sells no bread | a shop | a shop selling bread
a striker runs but misses and does not score | a striker runs but misses | a striker scoring
a hand holds a pen without writing anything | a hand holds a pen | a hand writing anything
the isle is not inhabited and surrounded by reefs | the isle surrounded by reefs | an inhabited isle
the jet is not flying but parked at a gate | the jet parked at a gate | a jet flying
leaves on the lawn and none on the trees | leaves on the lawn | leaves on the trees
a bench in the yard that no one sits on | a bench in the yard | a person sitting on a bench
dog and cat lying on a rug, not fighting | dog and cat lying on a rug | a dog and cat fighting
nurses in a hall not having a meeting | nurses in a hall | a meeting
the hare does not eat the plum but the pear | the hare eating the pear | a hare eating the plum
a clown is not juggling pins but balls | a clown juggling balls | a clown juggling pins
neither snow nor ice covers the lane |  | snow covering the lane | ice covering the lane
nurses wait by a shop rather than inside | nurses wait by a shop | inside
a fox is resting instead of being chased by hounds | a fox is resting | a fox chased by hounds
a nun in a hood and not in a cape at the awards show | a nun in a hood | a nun in a cape at the awards show
a tower is not lit as night falls | a tower as night falls | a lit tower
a finch not singing as the sun rises over a bay | a finch as the sun rises over a bay | a finch singing
a boy dressed as a pirate but not as a captain | a boy dressed as a pirate | a captain
a nun takes photos of models but they do not look up | a nun takes photos of models | models looking up
boys pick flowers but they are not roses | boys pick flowers | roses
a nun in a tan coat and not a blue one at the stop | a nun in a tan coat at the stop | a blue coat
strikers not on the pitch because of rain | strikers because of rain | strikers on the pitch
a lane closed not because of ice but because of a flood | a lane closed because of a flood | ice
a hill in autumn that is not green | a hill in autumn | a green hill
a bowl of figs, with no stems left on them | a bowl of figs | stems
a plate with no cake left | a plate | a cake
a mayor does not wear a hat but a crown | a mayor wearing a crown | a hat
a nun not holding a fan but a cup | a nun holding a cup | a fan
No yak is visible in a yard where a nun stands. | a yard where a nun stands | a yak
A red plough by a barn. No mules are in the yard. | A red plough by a barn. | mules
A pot on a stove. The image does not include a lid. | A pot on a stove. | a lid
The picture shows no stools. A nun kneels on a mat. | A nun kneels on a mat. | stools
There is no jam on the tray. A roll lies by a knife. | A roll lies by a knife. | jam
A tent by a creek. It is not open. | A tent by a creek. | an open tent
Mt. Etna in winter with no clouds | Mt. Etna in winter | clouds
No cups are on the desk. No pens are seen. | the desk | cups | pens
No scones have been captured in this photo. |  | scones
No tents have been set up on the hill as a deer rests. | a deer rests. | tents set up
No nets are being mended as a sailor naps by a pier. | a sailor naps by a pier. | nets being mended
A barge docks. Not one sailor waits on the pier. | A barge docks. | a sailor waiting
A goat grazes in a field. No wolf lurks nearby. | A goat grazes in a field. | a wolf lurking
Not one plum remains, yet a jug stands on a shelf. | a jug stands on a shelf. | a plum
A bell mounted on a tower, and no banners hang from it. | A bell mounted on a tower. | banners hanging from it
A nun stirs a soup, and no novel lies on her desk. | A nun stirs a soup. | a novel lying on her desk
No purse is in her arms as a bride waits by a door. | a bride waits by a door. | a purse in her arms
boys but no girls play in a yard | boys play in a yard | girls
a monk with a cane, a hood, and no bag walks past | a monk with a cane, a hood walks past | a bag
There are no carts on this lane; a nun on a mule passes. | a nun on a mule passes. | carts
no geese on the dam as the sun sets | the dam as the sun sets | geese
No yak is seen in this old mill, which has a red door. | this old mill, which has a red door | a yak
A nun guards a stall, but the scones are gone. | A nun guards a stall. | scones
A jug of plums is on a shelf, but pears are lacking. | A jug of plums is on a shelf. | pears
Absent from this photo are mules and goats. |  | mules | goats
Nowhere in the photo can a tram be seen. |  | a tram
Nowhere in this photo will you find a mule. |  | a mule
There doesn't seem to be a lamp in the picture. |  | a lamp
There do not appear to be any stools here. |  | stools
Two nuns are on mules, and neither is wearing a hood. | Two nuns are on mules. | nuns wearing a hood
A jug is set down, but nobody has put out mugs. | A jug is set down. | a person that has put out mugs
The photo includes a jug, but it never shows a lamp. | The photo includes a jug. | a lamp
a nun who never wears a hood | a nun | a hood
A raft drifts on a bay, but there aren't any people aboard. | A raft drifts on a bay. | people
Goats are on the hill, but no mule has joined them. | Goats are on the hill. | a mule
A bowl of plums is on a desk, with no figs among them. | A bowl of plums is on a desk. | figs
A mule drinks from a creek, and no goats are close by. | A mule drinks from a creek. | goats
a creek with no tent close by | a creek | a tent
A jug is on a tray, but there is no mug to go with it. | A jug is on a tray. | a mug
A cart waits, and no ladder is leaning against the barn. | A cart waits. | a ladder leaning against the barn
Two jugs are full, but no mugs are stacked by a lamp. | Two jugs are full. | mugs stacked by a lamp
No goats are playing with the hay as a nun naps. | a nun naps. | goats playing with the hay
Despite there being no wind, a kite rises from a hill. | a kite rises from a hill. | a wind
a lone elm lacking twigs in the middle of a lawn | a lone elm in the middle of a lawn | twigs
a web with no spider in the centre | a web | a spider in the centre
a batter hits a ball but not in the third inning | a batter hits a ball | a batter in the third inning
a founder gives a talk but not to nurses | a founder gives a talk | a founder to nurses
a monk fishing instead of rowing at dawn | a monk fishing at dawn | a monk rowing
a nun sits instead of reading a novel on the bench | a nun sits on the bench | a nun reading a novel
A cook naps. He has no apron on. | A cook naps. | an apron
A nun drinks tea at a bar; no lunch has been served. | A nun drinks tea at a bar. | a lunch served
A jug has been spilled, and nobody has mopped it up. | A jug has been spilled. | a person
The desks hold jars, though no lids have been put on them. | The desks hold jars. | lids put
A gate is open, and the goats have gone. | A gate is open. | goats
a mule crosses a meadow but no rider sits on its back | a mule crosses a meadow | a rider sitting on its back
A tram halts, but no passengers leave it. | A tram halts. | passengers
Shown without its lid, a pot stands on a desk. | a pot stands on a desk. | a lid
a loft with a sofa, but there is no desk in the loft | a loft with a sofa | a desk in the loft
Not a soul is in the photo. |  | a person
No carts are parked outside. A nun feeds a goat. | A nun feeds a goat. | carts parked outside
No gate is open. Goats wait by a wall. | Goats wait by a wall. | a gate open
A monk rests on a hill. Nobody else is around. | A monk rests on a hill. | another person
a nun on a hill with no one else | a nun on a hill | another person
a swing under an elm, with nobody to sit on it | a swing under an elm | a person
a hall with nothing to eat | a hall | something to eat
The jug is empty. It holds no milk. | The jug is empty. | milk
A desk has a lamp. What it does not have is a pen. | A desk has a lamp | a pen
In this photo you can see a tram. You cannot see a bus. | In this photo you can see a tram. | a bus
The photo lacks a sofa. Instead, a mat lies there. | a mat lies there. | a sofa
No steam rises from the pot as a cook naps. | a cook naps. | steam rising
A jug sits on a sill, but no torch burns inside it. | A jug sits on a sill. | a torch burning inside it
Not one goat looks at the moon, and a fox howls. | a fox howls. | a goat looking at the moon
A dial without hands. Nobody can tell the hour. | A dial. | hands | a person telling the hour
There seem to be no rafts on the bay. | the bay | rafts
The figs are all gone, but a plum remains. | a plum remains. | figs
Nowhere do we see a mule. |  | a mule
Nowhere is a mule visible. |  | a mule
The only thing missing is a fork. |  | a fork
A bowl of soup, spoon omitted. | A bowl of soup. | a spoon
Two monks rest, and neither has caught anything. | Two monks rest. | monks having caught anything
Three jugs stand in a row, and none holds milk. | Three jugs stand in a row. | jugs holding milk
Five rafts are docked, but none have sails. | Five rafts are docked. | rafts having sails
Mrs. Hill and Prof. Lake rest with no bags | Mrs. Hill and Prof. Lake rest | bags
""".strip("\n").split("\n")
]
UNCHANGED = """
a no-nonsense man
The Notebook
not only a dog but also a cat
nothing beats a dog
without doubt a dog
no wonder the dog is happy
No. 10 bus
a knot in a rope
can't wait to see the dog
nobody knows this street
never a dull moment
a glass of sugar-free soda
a dog and something else
a dog runs along a beach
a no smoking sign on a wall
a sign that says no dogs
player No. 5 kicks the ball
a boy who is not only tall but also fast
a homeless man with a stainless steel cup
a wireless mouse and a cordless phone
a careless driver in a spotless car
a royalty-free stock photo of a cow
a non-stop flight over a lake
a knot in a rope
children who can't wait for lunch
a kind smile, without doubt
a man no longer young
a do not disturb sign on a door
a cat that can't be missed
a small hill, not very high
a dog not far from a river
free hugs in the park
a dog in the grass, no watermark
hide and seek in a garden
a dog that doesn't want to leave
player no 737 runs
a trash can besides a bench
an old tree standing alone in a field
a rider with no hands on the bars
a do not enter sign by a gate
Do not feed the geese
a board that says do not touch the art
a dog that sits and does not want to go out
a sign that reads "no ducks" by a dam
""".strip().split("\n")


@pytest.mark.parametrize(
    ("sentence", "affirmed", "negated"), [(row[0], row[1], tuple(row[2:])) for row in READ]
)
def test_halves(sentence: str, affirmed: str, negated: tuple[str, ...]) -> None:
    assert read_by_rules(sentence) == Reading(affirmed.strip(), negated)


@pytest.mark.parametrize("sentence", UNCHANGED)
def test_what_only_looks_like_a_denial_is_unchanged(sentence: str) -> None:
    assert read_by_rules(sentence) == Reading(sentence)


@pytest.mark.parametrize("sentence", ["a scene", "a photo", "an image", "a picture of something"])
def test_a_bare_image_affirms_nothing(sentence: str) -> None:
    assert read_by_rules(sentence) == Reading("")


@pytest.mark.parametrize(
    "text", ["only " * 3000 + "a dog", "nothing but " * 3000 + "a dog", "-a " * 3000 + "only a dog"]
)
def test_words_that_ask_for_one_thing_again_and_again_are_read_in_the_end(text: str) -> None:
    assert read_by_rules(text).affirmed


def test_what_is_denied_beside_only_and_minus_signs_is_read_too() -> None:
    for text, affirmed, negated in (
        ("only a pond without a swan", "a pond", ("a swan", ELSE)),
        ("nothing but a lane, no carts", "a lane", ("carts", ELSE)),
        ("only a kettle -stove", "a kettle", ("a stove", ELSE)),
        ("a lane without carts -ox", "a lane", ("an ox", "carts")),
        ("not only a pond without a swan", "a pond and something else", ("a swan",)),
        ("not only a kettle -stove", "a kettle and something else", ("a stove",)),
    ):
        assert read_by_rules(text) == Reading(affirmed, negated), text


def test_all_else_has_a_name() -> None:
    for only in ("only a dog", "nothing but a dog", "apart from a dog, there is nothing else"):
        assert read_by_rules(only) == Reading("a dog", (ELSE,))
    for more in ("not only a dog", "more than just a dog", "a dog, but not alone"):
        assert read_by_rules(more) == Reading("a dog and something else")
        assert read_by_rules(more).others(more) == 1
    stands = "a dog and something else"
    assert read_by_rules(stands).others(stands) == 0


def test_any_text_is_read() -> None:
    random = Random(0)
    pieces = re.split(
        " ",
        "no not n't without -less -free a dog is missing , . -x neither nor and whose that but ’ é 🐕 0",
    )
    for _ in range(5000):
        text = random.choice(("", " ")).join(random.choices(pieces, k=random.randint(0, 9)))
        assert isinstance(read_by_rules(text), Reading)


@pytest.mark.parametrize(
    "sentence",
    [
        "None of the above",
        "nobody of the",
        "none of the are red",
        "not any of the",
        "none of these!",
        "of none",
        "no",
    ],
)
def test_what_names_nothing_is_no_denial(sentence: str) -> None:
    assert all(text.strip(" !") for text in read_by_rules(sentence).negated)


@pytest.mark.parametrize(
    "sentence",
    ["no cup" + " of cup" * 40, "a photo" + " is of" * 40 + " x", "a photo" + " in which" * 40 + " x"],
)
def test_what_repeats_is_read_at_once(sentence: str) -> None:
    read_by_rules(sentence)  # each repetition once took as long as all before it
