; WINDFALL - an Atari 2600 game in 4 KiB.
;
; Copyright 2026 The moe-rl authors. SPDX-License-Identifier: Apache-2.0
;
; It is a windy evening in the orchard. Fruit drops out of the leaves, one at a time, and you run along below with a
; basket. A fruit in the basket is a point, a fruit in the grass costs one of three lives. Every ten points the night
; moves on and the fruit falls faster; with forty the basket is full and you have won.
;
; This is the game that moe-rl learns when no other ROM is at hand, and it was made for that: big bright things on a
; dark picture, a reward every dozen decisions, two moves, no title screen, and fruit that nobody can foresee. It is
; a game for people as well, and runs on the real console: left joystick, RESET starts anew, FIRE plays again.
;
; How to read it: "One frame" below is the whole program in a page. Everything drawn comes from tables at the end of
; the file, one entry for each row of two screen lines, top row first, so that the art reads as it looks.
;
; Build with `node packages/ale-wasm/embedded-game/build.mjs`.

        PROCESSOR 6502
        INCLUDE "hardware.inc"

; ======================================================================================================================
; The rules of the game
; ======================================================================================================================

LIVES           = 3
SCORE_TO_WIN    = $40           ; binary coded decimal, like the score
BASKET_SPEED    = 3             ; pixels each frame
CATCH_REACH     = 15            ; most pixels between the middle of the basket and the middle of a caught fruit
START_PAUSE     = 16            ; frames before the first fruit falls
CATCH_PAUSE     = 8             ; frames between a catch and the next fruit
MISS_PAUSE      = 16            ; frames between a miss and the next fruit
FIRST_CHANCE    = $CA           ; any byte: see Start

; Places. The screen is 160 pixels wide. Heights are rows of two lines, counted down from the top of the leaves.

ROWS            = 68            ; rows between the score and the ground
FRUIT_ROWS      = 11
CATCH_ROW       = 52            ; a fruit whose top row is here or below can be caught ...
GROUND_ROW      = 57            ; ... until it lies in the grass
SPARKLE_ROW     = 47            ; where a catch sparkles, above the basket
BASKET_LEFT     = 8             ; the basket's range: its left edge,
BASKET_RIGHT    = 128           ;   so that its 24 pixels stay between the tree trunks
BASKET_START    = 68
FRUIT_LEFT      = 12            ; sixteen columns, eight pixels apart, so that the fruit's 16 pixels stay there too

; Fixed places of the things that do not move

TENS_X          = 71            ; the score's two digits
ONES_X          = 81

HUD_COLOR       = $00           ; black behind the score
SCORE_COLOR     = $0E           ; white
HEART_COLOR     = $48           ; red

; ======================================================================================================================
; RAM: 128 bytes, the stack on top. README.md documents the addresses up to `fruitRow` for programs that look inside.
; ======================================================================================================================

        SEG.U ram
        ORG $80

score           ds 1            ; $80  0 to 40, binary coded decimal
lives           ds 1            ; $81  3 to 0
gameOver        ds 1            ; $82  0 while playing, 1 after the last life or the last fruit
basketX         ds 1            ; $83  left edge, pixels
fruitX          ds 1            ; $84  left edge, pixels
fruitRow        ds 1            ; $85  top row
fruitFraction   ds 1            ;      and 256ths of a row
fruitShape      ds 1            ; which picture: see ShapeLow
pauseFrames     ds 1            ; frames until the next fruit; 0 while one is falling
frame           ds 1            ; counts frames, wraps
soundNext       ds 1            ; the next note in Sounds
soundFrames     ds 1            ; frames left of this note
heartMask       ds 1            ; $FF while there is a life to show
shapePointer    ds 2            ; for the picture: the row 0 of ...
colorPointer    ds 2            ;   ... each table that changes
skyPointer      ds 2
tensPointer     ds 2
onesPointer     ds 2
tensPlace       ds 1            ; for POSITION
onesPlace       ds 1
basketPlace     ds 1
leftSidePlace   ds 1
rightSidePlace  ds 1
fruitPlace      ds 1

seed            = $FE           ; two bytes of chance, never cleared
STACK           = $FD           ; so the stack begins below them

; ======================================================================================================================
; Macros
; ======================================================================================================================

; POSITION object, place: puts an object (0 = player 0, 1 = player 1, 2 = missile 0, 4 = ball) where the variable
; `place` says, which is its pixel + PLAYER or + DOT. One whole line. The beam crosses fifteen pixels in one turn of
; the loop, so the write that means "here" comes at the right fifteen pixels; what the division leaves over, -15 to -1,
; becomes the fine motion that the next HMOVE applies.

PLAYER  = 3                     ; what the other cycles of the line come to, in pixels;
DOT     = 4                     ; missiles and the ball stand one pixel further left

        MAC POSITION
        sta WSYNC
        lda {2}
        sec
.divide sbc #15
        bcs .divide
        eor #7
        asl
        asl
        asl
        asl
        sta RESP0+{1}
        sta HMP0+{1}
        ENDM

; LINES count: lets lines go by.

        MAC LINES
        ldx #{1}
.line   sta WSYNC
        dex
        bne .line
        ENDM

; PLAY sound: starts a sound.

        MAC PLAY
        lda #{1}-Sounds
        sta soundNext
        lda #1
        sta soundFrames
        ENDM

; SAME_PAGE table, size: an indexed read must not cross a page, or it takes a cycle more and comes too late.

        MAC SAME_PAGE
        IF >{1} != >({1}+{2}-1)
        ECHO "a table crosses a page:", {1}
        ERR
        ENDIF
        ENDM

        SEG rom
        ORG $F000

; ======================================================================================================================
; Power-on, or RESET of the whole machine. RAM holds anything, which is good for `seed` and for nothing else. The timer
; starts from an unknown value: another few bits of chance. Emulators have fixed values for both; FIRST_CHANCE is such
; that with those of the Arcade Learning Environment standing still is as bad in the very first game as in any other.
; ======================================================================================================================

Start SUBROUTINE
        sei
        cld
        lda INTIM
        eor seed
        eor #FIRST_CHANCE
        sta seed
        ldx #STACK
        txs
        lda #0
.clear  sta $00,x               ; all registers of the TIA and all RAM below the seed
        dex
        bne .clear
        jsr NewGame

; ======================================================================================================================
; One frame: 262 lines. 3 of sync, 37 to think, 192 of picture, 30 for the sound.
; ======================================================================================================================

Frame SUBROUTINE
        lda #2
        sta VBLANK
        sta VSYNC
        sta WSYNC
        sta WSYNC
        sta WSYNC
        lda #0
        sta VSYNC
        lda #44                 ; 0 comes after 43 * 64 cycles, a little less than 37 lines
        sta TIM64T

        jsr Stir
        jsr Play
        jsr Prepare

.think  lda INTIM
        bne .think
        sta WSYNC
        sta VBLANK              ; A is 0: picture on

        jsr DrawScore           ;  26 lines
        jsr DrawOrchard         ; 136 lines
        jsr DrawGround          ;  30 lines

        lda #2
        sta VBLANK
        lda #36                 ; 0 comes after 35 * 64 cycles, a little less than 30 lines
        sta TIM64T
        jsr Sound
.rest   lda INTIM
        bne .rest
        sta WSYNC
        jmp Frame

; ======================================================================================================================
; Chance. Each frame the joystick goes into a 16-bit shift register with feedback: a checksum of everything the player
; ever did, to the frame. Who plays differently, if only by one frame, gets other fruit.
; ======================================================================================================================

Stir SUBROUTINE
        inc frame
        lda SWCHA
        eor seed
        sta seed
        lsr seed+1
        ror seed
        bcc .done
        lda seed+1
        eor #$B4                ; taps at bits 16, 14, 13 and 11: the longest period there is
        sta seed+1
.done   rts

; ======================================================================================================================
; The game
; ======================================================================================================================

NewGame SUBROUTINE
        lda #0
        sta score
        sta gameOver
        sta fruitShape          ; nothing to see yet
        sta fruitRow
        lda #LIVES
        sta lives
        lda #BASKET_START
        sta basketX
        sta fruitX
        lda #START_PAUSE
        sta pauseFrames
        PLAY StartSound
        rts

Play SUBROUTINE
        lda SWCHB               ; RESET is bit 0
        lsr
        bcc NewGame
        lda gameOver
        beq .play
        bit INPT4               ; after the game FIRE starts the next one
        bpl NewGame
        rts

.play   lda SWCHA               ; the basket first: bit 7 right ...
        bmi .left
        lda basketX
        clc
        adc #BASKET_SPEED
        cmp #BASKET_RIGHT
        bcc .moved
        lda #BASKET_RIGHT
        bcs .moved              ; always
.left   asl                     ; ... bit 6 left
        bmi .fruit
        lda basketX
        sec
        sbc #BASKET_SPEED
        cmp #BASKET_LEFT
        bcs .moved
        lda #BASKET_LEFT
.moved  sta basketX

.fruit  lda pauseFrames
        beq .fall
        dec pauseFrames
        bne .done

; A new fruit, hidden behind the leaves, in one of sixteen columns.

        lda seed
        eor seed+1
        and #15
        asl
        asl
        asl
        adc #FRUIT_LEFT         ; the shifts left the carry clear
        sta fruitX
        jsr Level
        inx                     ; picture 0 is the empty one
        stx fruitShape
        lda #0
        sta fruitRow
        sta fruitFraction
.done   rts

.fall   jsr Level
        lda fruitFraction
        clc
        adc SpeedFraction,x
        sta fruitFraction
        lda fruitRow
        adc #1                  ; one row each frame, and the fraction
        sta fruitRow
        cmp #CATCH_ROW
        bcc .done               ; still high up

; Low enough: is the basket there? basketX + 12 and fruitX + 8 are the middles; they may be CATCH_REACH apart.

        lda fruitX
        sec
        sbc basketX
        clc
        adc #CATCH_REACH-4
        cmp #2*CATCH_REACH+1
        bcs .missed

        sed
        lda score
        clc
        adc #1
        sta score
        cld
        ldx #SPARKLE
        stx fruitShape
        ldx #SPARKLE_ROW
        stx fruitRow
        ldx #CATCH_PAUSE
        stx pauseFrames
        cmp #SCORE_TO_WIN
        beq .won
        and #$0F
        beq .faster
        PLAY CatchSound
        rts
.faster PLAY LevelSound
        rts
.won    PLAY WinSound
        inc gameOver
        rts

.missed lda fruitRow
        cmp #GROUND_ROW
        bcc .done               ; it has not landed yet
        lda #GROUND_ROW
        sta fruitRow
        lda #SPLAT
        sta fruitShape
        lda #MISS_PAUSE
        sta pauseFrames
        dec lives
        beq .lost
        PLAY MissSound
        rts
.lost   PLAY LostSound
        inc gameOver
        rts

; Level: X = 0 to 3, the tens of the score.

Level SUBROUTINE
        lda score
        lsr
        lsr
        lsr
        lsr
        tax
        rts

SpeedFraction                   ; what the fruit falls each frame beyond one row, 256ths
        .byte 0, 32, 64, 96

; ======================================================================================================================
; Prepare: everything the picture needs that can be worked out before it begins.
; ======================================================================================================================

Prepare SUBROUTINE

; The tables that move or change. A fruit's table is found by its place: row 0 of the screen is `fruitRow` entries
; before the fruit's own top row. Empty rows lie between the fruits, so the kernel can read all the way down the screen.

        ldx fruitShape
        lda ShapeLow,x
        sec
        sbc fruitRow
        sta shapePointer
        lda ShapeHigh,x
        sbc #0
        sta shapePointer+1
        lda ColorLow,x
        sec
        sbc fruitRow
        sta colorPointer
        lda ColorHigh,x
        sbc #0
        sta colorPointer+1

        jsr Level               ; the sky of the level, by day 4 after a win
        lda lives
        bne .sky
        ldx #LOST_SKY           ; and gray when all is lost
.sky    lda SkyLow,x
        sta skyPointer
        lda SkyHigh,x
        sta skyPointer+1

; The score: eight bytes for each digit, ten digits and an empty one in a page.

        lda #>Digits
        sta tensPointer+1
        sta onesPointer+1
        lda score
        and #$F0
        lsr
        bne .tens
        lda #10*8               ; no leading zero
.tens   sta tensPointer
        lda score
        and #$0F
        asl
        asl
        asl
        sta onesPointer

        ldx #0
        lda lives
        beq .hearts
        dex
.hearts stx heartMask

; Colors and shapes for the score, places for the score and for the sides of the basket.

        lda #HUD_COLOR
        sta COLUBK
        lda gameOver
        beq .white
        lda frame               ; the score of a finished game glitters
        asl
.white  ora #SCORE_COLOR
        sta COLUP0
        sta COLUP1
        lda #0
        sta NUSIZ0
        sta NUSIZ1
        lda #%00100101          ; ball 4 pixels wide, playfield in front and mirrored
        sta CTRLPF

        lda #TENS_X+PLAYER
        sta tensPlace
        lda #ONES_X+PLAYER
        sta onesPlace
        lda basketX
        clc
        adc #DOT
        sta leftSidePlace
        adc #4-1+PLAYER-DOT     ; a double player is drawn one pixel late
        sta basketPlace
        adc #20-3+DOT-PLAYER
        sta rightSidePlace
        lda fruitX
        adc #PLAYER-1
        sta fruitPlace

        sta HMCLR
        POSITION 0, tensPlace
        POSITION 1, onesPlace
        POSITION 2, leftSidePlace
        POSITION 4, rightSidePlace
        sta WSYNC
        sta HMOVE
        rts

; ======================================================================================================================
; The score: 26 lines, while the beam is on its way down to the orchard.
; ======================================================================================================================

DrawScore SUBROUTINE
        LINES 4
        ldy #0
.row    sta WSYNC
        lda (tensPointer),y
        sta GRP0
        lda (onesPointer),y
        sta GRP1
        sta WSYNC
        iny
        cpy #8
        bne .row
        sta WSYNC
        lda #0
        sta GRP0
        sta GRP1

; The digits become basket and fruit: double width, and other places.

        lda #%00100101          ; double width; missile 4 pixels
        sta NUSIZ0
        sta NUSIZ1
        sta HMCLR
        POSITION 0, basketPlace
        POSITION 1, fruitPlace
        sta WSYNC
        sta HMOVE
        ldy #0
        sta WSYNC
        rts

; ======================================================================================================================
; The orchard: 68 rows of two lines. The first line of a row sets the background and the playfield, the second the
; basket and the fruit. A line has 76 cycles and its picture begins after 22; the comments count them.
;
;   playfield   leaves and trunks         player 1   the fruit
;   player 0    the basket's middle       missile 0  the basket's left side
;                                         ball       its right side, in the color of the playfield
; ======================================================================================================================

DrawOrchard SUBROUTINE
.row    lda (skyPointer),y
        tax
        lda LeafColor,y
        sta WSYNC               ;  0
        stx COLUBK              ;  3
        sta COLUPF              ;  6
        lda Leaf0,y             ; 10
        sta PF0                 ; 13  before the picture begins
        lda BasketColor,y       ; 17
        sta COLUP0              ; 20
        lda Leaf1,y             ; 24
        sta PF1                 ; 27  before pixel 16, at 28
        lda Leaf2,y             ; 31
        sta PF2                 ; 34  before pixel 48, at 38

        lda (colorPointer),y    ; for the second line, while the first is drawn
        tax
        lda (shapePointer),y
        sta WSYNC               ;  0
        sta GRP1                ;  3
        stx COLUP1              ;  6
        lda Basket,y            ; 10
        sta GRP0                ; 13
        lda BasketSides,y       ; 17
        sta ENAM0               ; 20
        sta ENABL               ; 23  before pixel 8, at 25
        iny                     ; 25
        cpy #ROWS               ; 27
        bne .row                ; 30
        rts

; ======================================================================================================================
; The ground: 30 lines. Grass, and below it the lives.
; ======================================================================================================================

DrawGround SUBROUTINE
        sta WSYNC               ;  0
        lda #0                  ;  2
        sta GRP0                ;  5
        sta GRP1                ;  8
        sta ENAM0               ; 11
        sta ENABL               ; 14
        ldx lives               ; 17
        lda HeartCopies,x       ; 21
        sta NUSIZ1              ; 24
        lda #HEART_COLOR        ; 26
        sta COLUP1              ; 29
        lda frame               ; 32  these four lines only wait
        nop                     ; 34
        nop                     ; 36
        nop                     ; 38
        sta RESP1               ; 41  which is pixel 60, so that three hearts are in the middle
        lda #GRASS_COLOR
        sta COLUPF
        ldy #0
        sta WSYNC

.row    sta WSYNC               ;  0
        lda SoilColor,y         ;  4
        sta COLUBK              ;  7
        lda Grass0,y            ; 11
        sta PF0                 ; 14
        lda Grass1,y            ; 18
        sta PF1                 ; 21
        lda Grass2,y            ; 25
        sta PF2                 ; 28
        lda Hearts,y            ; 32
        and heartMask           ; 35
        sta GRP1                ; 38
        sta WSYNC
        iny
        cpy #GROUND_ROWS
        bne .row
        sta WSYNC
        rts

; ======================================================================================================================
; Sound: one voice. A sound is a list of notes of three bytes: wave form and volume, frequency divider, frames.
; A zero ends it.
; ======================================================================================================================

Sound SUBROUTINE
        dec soundFrames
        bne .done               ; this note still sounds
        ldx soundNext
        lda Sounds,x
        beq .silent
        sta AUDV0               ; the low four bits count
        lsr
        lsr
        lsr
        lsr
        sta AUDC0
        lda Sounds+1,x
        sta AUDF0
        lda Sounds+2,x
        sta soundFrames
        inx
        inx
        inx
        stx soundNext
.done   rts
.silent sta AUDV0
        inc soundFrames         ; look again in the next frame
        rts

TONE    = $40                   ; a pure tone
BASS    = $C0                   ; a pure tone, three times lower
NOISE   = $80                   ; white noise

Sounds
StartSound
        .byte TONE+6, 23, 4, TONE+6, 19, 4, TONE+6, 15, 8, 0
CatchSound
        .byte TONE+8, 15, 2, TONE+8, 11, 3, TONE+4, 11, 3, 0
LevelSound
        .byte TONE+8, 23, 3, TONE+8, 19, 3, TONE+8, 15, 3, TONE+8, 11, 8, 0
MissSound
        .byte NOISE+8, 8, 3, NOISE+6, 16, 3, BASS+6, 24, 6, 0
LostSound
        .byte NOISE+8, 8, 3, BASS+8, 9, 10, BASS+8, 11, 10, BASS+8, 14, 10, BASS+8, 19, 30, 0
WinSound
        .byte TONE+8, 23, 6, TONE+8, 19, 6, TONE+8, 15, 6, TONE+8, 11, 10, TONE+8, 15, 6, TONE+8, 11, 30, 0

; ======================================================================================================================
; Pictures. Top row first, as they look.
; ======================================================================================================================

; ---- Leaves and trunks: the playfield. Left half; the right half mirrors it. -----------------------------------------
; PF0 is drawn from its bit 4 to its bit 7, PF1 from bit 7 to bit 0, PF2 from bit 0 to bit 7.

        ALIGN 256

Leaf0
        .byte %11110000, %11110000, %01110000, %00110000, %11110000, %11010000, %10010000
        .byte %11110000, %01110000, %11100000, %01100000, %01110000, %01100000, %01000000
        .byte %11110000, %11110000, %01110000
        REPEAT 37
        .byte %00110000         ; the trunk, 8 pixels
        REPEND
        .byte %01110000, %01110000, %11110000
        REPEAT 11
        .byte 0
        REPEND
        SAME_PAGE Leaf0, ROWS

Leaf1
        .byte %11111111, %11110111, %11110011, %11111111, %11011111, %11001101, %11110100
        .byte %01101110, %01111110, %10110111, %11110011, %11011011, %01001001, %00001000
        .byte %10000000         ; a branch
        REPEAT ROWS-15
        .byte 0
        REPEND
        SAME_PAGE Leaf1, ROWS

BasketColor
        REPEAT ROWS-10
        .byte 0
        REPEND
        .byte $FE, $FC, $FA, $FC, $FA, $FC, $FA, $FC, $FA, $F8
        SAME_PAGE BasketColor, ROWS

        ALIGN 256

Leaf2
        .byte %11111111, %11110111, %10110011, %10110111, %11111011, %11110111, %11100111
        .byte %01101111, %11111011, %11011100, %11001101, %11101101, %11001001, %10010001
        REPEAT ROWS-14
        .byte 0
        REPEND
        SAME_PAGE Leaf2, ROWS

LeafColor
        .byte $C6, $C6, $C4, $C4, $C4, $C4, $C4, $C2, $C2, $C2, $C2, $C2, $C2, $C2
        REPEAT 44
        .byte $F0               ; bark
        REPEND
        .byte $FE, $FC, $FA, $FC        ; the right side of the basket, as BasketColor
        REPEAT 6
        .byte 0
        REPEND
        SAME_PAGE LeafColor, ROWS

; ---- The basket: player 0, and at its sides missile and ball -------------------------------------------------------

Basket
        REPEAT ROWS-10
        .byte 0
        REPEND
        .byte %11111111
        .byte %11111111
        .byte %11111111
        .byte %11011011
        .byte %11111111
        .byte %10110110
        .byte %11111111
        .byte %11011011
        .byte %11111111
        .byte %01111110
        SAME_PAGE Basket, ROWS

        ALIGN 256

BasketSides
        REPEAT ROWS-10
        .byte 0
        REPEND
        .byte 2, 2, 2, 0, 0, 0, 0, 0, 0, 0
        SAME_PAGE BasketSides, ROWS

; ---- The ground ------------------------------------------------------------------------------------------------------

GROUND_ROWS     = 14
GRASS_COLOR     = $C4

SoilColor
        .byte $C0, $F0, $F0, $F0, $F0, $F0, $F0, $F0, $F0, $F0, $F0, $F0, $F0, $F0
Grass0
        .byte %10110000, %11110000, %01010000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
Grass1
        .byte %10110111, %11111111, %01101101, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
Grass2
        .byte %11011010, %11111111, %10110110, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
Hearts
        .byte 0, 0, 0, 0
        .byte %01101100
        .byte %11111110
        .byte %11111110
        .byte %11111110
        .byte %01111100
        .byte %00111000
        .byte %00010000
        .byte 0, 0, 0
HeartCopies
        .byte 0, 0, 1, 3        ; NUSIZ1 for 0 to 3 lives: one copy, one, two close, three close

; ---- Skies: one color for each row, by night or day ------------------------------------------------------------------
; SKY the shadow among the leaves, seven colors down to the horizon, the meadow far and near

        MAC BAND                ; six rows of a color, mixed with the next one at the end
        .byte {1}, {1}, {1}, {1}, {2}, {1}
        ENDM

        MAC SKY
        REPEAT 12
        .byte {1}
        REPEND
        BAND {2}, {3}
        BAND {3}, {4}
        BAND {4}, {5}
        BAND {5}, {6}
        BAND {6}, {7}
        BAND {7}, {8}
        REPEAT 8
        .byte {8}
        REPEND
        REPEAT 4
        .byte {9}
        REPEND
        REPEAT 8
        .byte {10}
        REPEND
        ENDM

Sunset  SKY $C0, $80, $70, $70, $60, $50, $40, $30, $D0, $C0
Dusk    SKY $C0, $80, $80, $70, $70, $60, $60, $50, $D0, $C0
Night   SKY $C0, $00, $80, $80, $80, $90, $90, $A0, $B0, $C0
Dawn    SKY $C0, $80, $80, $70, $60, $50, $40, $22, $D0, $C0
Day     SKY $C0, $80, $82, $84, $86, $96, $98, $9A, $C6, $C4
Lost    SKY $00, $00, $00, $00, $00, $00, $00, $02, $02, $00

LOST_SKY = 5
SkyLow  .byte <Sunset, <Dusk, <Night, <Dawn, <Day, <Lost
SkyHigh .byte >Sunset, >Dusk, >Night, >Dawn, >Day, >Lost

; ---- Fruit: player 1. Between two fruits lie so many empty rows that a table read from the top of the screen to its
; bottom shows one fruit only, wherever it is. -------------------------------------------------------------------------

        MAC GAP
        REPEAT GROUND_ROW
        .byte 0
        REPEND
        ENDM

        GAP
NothingShape
        REPEAT FRUIT_ROWS
        .byte 0
        REPEND
        GAP
OrangeShape
        .byte %00000110
        .byte %00011100
        .byte %00111100
        .byte %01111110
        .byte %11111111
        .byte %11111111
        .byte %11111111
        .byte %11111111
        .byte %01111110
        .byte %01111110
        .byte %00111100
        GAP
LemonShape
        .byte %00011000
        .byte %00111100
        .byte %01111110
        .byte %01111110
        .byte %11111111
        .byte %11111111
        .byte %11111111
        .byte %01111110
        .byte %01111110
        .byte %00111100
        .byte %00011000
        GAP
PearShape
        .byte %00001000
        .byte %00011000
        .byte %00111100
        .byte %00111100
        .byte %00111100
        .byte %01111110
        .byte %11111111
        .byte %11111111
        .byte %11111111
        .byte %11111111
        .byte %01111110
        GAP
AppleShape
        .byte %00001100
        .byte %00011000
        .byte %01111110
        .byte %11111111
        .byte %11111111
        .byte %11111111
        .byte %11111111
        .byte %11111111
        .byte %01111110
        .byte %01111110
        .byte %00100100
        GAP
SparkleShape
        .byte %00011000
        .byte %00000000
        .byte %01000010
        .byte %00100100
        .byte %00000000
        .byte %10011001
        .byte %00000000
        .byte %00100100
        .byte %01000010
        .byte %00000000
        .byte %00011000
        GAP
SplatShape
        .byte 0, 0, 0, 0, 0, 0
        .byte %00100001
        .byte %10001000
        .byte %00011010
        .byte %01111110
        .byte %11111111
        GAP

OrangeColor
        .byte $C8, $C8, $3C, $3C, $3C, $3A, $3A, $3A, $38, $38, $36
LemonColor
        .byte $DA, $1C, $1E, $1E, $1E, $1E, $1C, $1C, $1C, $1A, $1A
PearColor
        .byte $F6, $F6, $DE, $DE, $DE, $DE, $DE, $DC, $DC, $DC, $DA
AppleColor
        .byte $C8, $C8, $4E, $4E, $4E, $4C, $4C, $4C, $4C, $4A, $4A
SparkleColor
        .byte $0E, $0E, $1E, $1E, $0E, $0E, $0E, $1E, $1E, $0E, $0E
SplatColor
        .byte $3A, $3A, $3A, $3A, $3A, $3A, $3A, $3A, $3A, $38, $36

SPARKLE = 5
SPLAT   = 6

ShapeLow
        .byte <NothingShape, <OrangeShape, <LemonShape, <PearShape, <AppleShape, <SparkleShape, <SplatShape
ShapeHigh
        .byte >NothingShape, >OrangeShape, >LemonShape, >PearShape, >AppleShape, >SparkleShape, >SplatShape
ColorLow
        .byte <OrangeColor, <OrangeColor, <LemonColor, <PearColor, <AppleColor, <SparkleColor, <SplatColor
ColorHigh
        .byte >OrangeColor, >OrangeColor, >LemonColor, >PearColor, >AppleColor, >SparkleColor, >SplatColor

; ---- Digits ----------------------------------------------------------------------------------------------------------

        ALIGN 256
Digits
        .byte %01111100, %11000110, %11000110, %11000110, %11000110, %11000110, %01111100, 0
        .byte %00011000, %00111000, %01111000, %00011000, %00011000, %00011000, %01111110, 0
        .byte %01111100, %11000110, %00000110, %00111100, %01100000, %11000000, %11111110, 0
        .byte %01111100, %11000110, %00000110, %00111100, %00000110, %11000110, %01111100, 0
        .byte %00011100, %00111100, %01101100, %11001100, %11111110, %00001100, %00001100, 0
        .byte %11111110, %11000000, %11111100, %00000110, %00000110, %11000110, %01111100, 0
        .byte %01111100, %11000000, %11111100, %11000110, %11000110, %11000110, %01111100, 0
        .byte %11111110, %00000110, %00001100, %00011000, %00110000, %00110000, %00110000, 0
        .byte %01111100, %11000110, %11000110, %01111100, %11000110, %11000110, %01111100, 0
        .byte %01111100, %11000110, %11000110, %01111110, %00000110, %00000110, %01111100, 0
        .byte 0, 0, 0, 0, 0, 0, 0, 0

; ---- Vectors: where the processor begins -----------------------------------------------------------------------------

        ORG $FFFC
        .word Start
        .word Start             ; BRK, which nothing uses
