"""What the functions are asked: sentences of about 12 tokens, each a different one."""

from __future__ import annotations

from typing import Final

SENTENCES: Final = (
    "Could you tell me when the next train to Oxford leaves?",
    "Put the blue folder on the second shelf from the top.",
    "The bakery on the corner closes early on rainy Sundays.",
    "Why does the kitchen light flicker whenever it gets cold?",
    "Remind Anna to water all of the plants before Thursday.",
    "My brother has been learning the cello since last winter.",
    "Which of these two paths leads back to the lake?",
    "Send the signed contract to the office in Lyon today.",
    "Nobody expected the small team to win the final match.",
    "How many eggs do we still need for the cake?",
    "Stop the music and open the windows in the hall.",
    "The new bridge was finished two months ahead of schedule.",
    "Who left a wet umbrella on the piano this morning?",
    "Write down the number of every car that goes past.",
    "Our neighbours painted their fence green over the weekend.",
    "Is there a pharmacy near the station that opens late?",
    "Fold the letters in three and seal all the envelopes.",
    "The old cinema has been empty for almost ten years.",
    "What did the doctor say about the pain in your knee?",
    "Bring two chairs from the garden into the dining room.",
    "Most of the apples in that basket are still sour.",
    "Where can I find a good map of the valley?",
    "Check the tyres before you drive across the mountains.",
    "The library lends out tools as well as books now.",
)

MESSAGES: Final = (
    "I ordered a tablet last week and it has not arrived.",
    "Please send my money back, the headphones never worked.",
    "I can't log in any more since I changed my phone.",
    "The laptop came with a cracked lid, this is unacceptable!",
    "You charged my card twice for one pair of headphones.",
    "Can I still pick another colour for my new tablet?",
    "When will I see the refund for the laptop I returned?",
    "Please close my account and delete all of my data.",
    "The courier went to my old address with the phone.",
    "My card was declined although there is money on it.",
    "I want to cancel the laptop that I bought this morning.",
    "Somebody else has signed in to my account, help me now!",
    "The refund is ten euros less than the tablet had cost.",
    "Could you send me a receipt for the headphones, please?",
    "The box with my phone was wet and torn on arrival.",
    "I would rather pay for the laptop by bank transfer.",
    "At what hour will the driver bring the tablet tomorrow?",
    "Why did you refuse to take back the broken phone?",
    "My email address has changed, please update my details.",
    "One of the two phones was not in the parcel.",
    "How far along is the order for my new headphones?",
    "The tablet is three days late and nobody answers me!",
    "I did not agree to this charge and I dispute it.",
    "Please tell me how I can reset my lost password.",
)
